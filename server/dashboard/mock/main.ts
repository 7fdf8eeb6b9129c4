// `npm run mock`: the made-up cluster on port 8080, for `npm run dev` to show.

import { MockServer } from './server';

const port = await new MockServer().listen(8080);
console.log(
  `a made-up cluster serves the API at http://127.0.0.1:${port}; show it with: npm run dev`,
);
