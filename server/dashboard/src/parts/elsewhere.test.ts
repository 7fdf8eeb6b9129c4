import { describe, expect, it } from 'vitest';

import { pageOfNode } from './elsewhere';

describe('the page of another node', () => {
  const from = (hostname: string) => ({ hostname, hash: '#/raft' });

  it('is the same one', () => {
    for (const url of ['http://10.0.0.7:8080', 'http://[fd00::7]:8080', 'https://node7.example']) {
      expect(pageOfNode(url, from('10.0.0.5'))).toBe(`${url}/#/raft`);
    }
  });

  it('is not known of a node that does not say where it is', () => {
    expect(pageOfNode(null, from('10.0.0.5'))).toBeNull();
  });

  it('is on loopback for those alone who are there', () => {
    for (const host of ['127.0.0.1:8081', '127.1.2.3:8081', 'localhost:8081', '[::1]:8081']) {
      expect(pageOfNode(`http://${host}`, from('10.0.0.5')), host).toBeNull();
      expect(pageOfNode(`http://${host}`, from('localhost')), host).toBe(`http://${host}/#/raft`);
    }
  });
});
