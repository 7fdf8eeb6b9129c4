import { defineConfig } from 'vitest/config';

// The node that `npm run dev` shows: of deploy/local-cluster.sh, or `npm run mock`.
const node = process.env.QUORUMBOOK_NODE ?? 'http://127.0.0.1:8080';

export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    // The node's content security policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // deploy/build-dashboard.sh builds into the place where the daemon looks.
    outDir: process.env.DASHBOARD_OUT ?? 'dist',
    emptyOutDir: true,
    reportCompressedSize: false,
  },
  server: {
    proxy: { '/api': { target: node, ws: true }, '/metrics': node },
  },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
