import { describe, expect, it } from 'vitest';

import { pageOfNode } from './elsewhere';

describe('the page of another node', () => {
  const from = (hostname: string) => ({ protocol: 'http:', hostname, hash: '#/raft' });

  it('is the same one', () => {
    expect(pageOfNode('10.0.0.7:8080', from('10.0.0.5'))).toBe('http://10.0.0.7:8080/#/raft');
    expect(pageOfNode('[fd00::7]:8080', from('10.0.0.5'))).toBe('http://[fd00::7]:8080/#/raft');
  });

  it('is at a URL, if that is what the node gives', () => {
    const page = 'https://node7.example/#/raft';
    expect(pageOfNode('https://node7.example', from('10.0.0.5'))).toBe(page);
    expect(pageOfNode('http://127.0.0.1:8081', from('10.0.0.5'))).toBeNull();
    expect(pageOfNode('http://0.0.0.0:8080', from('10.0.0.5'))).toBeNull();
  });

  it('is not known of a node that listens everywhere or not at all', () => {
    expect(pageOfNode(null, from('10.0.0.5'))).toBeNull();
    expect(pageOfNode('0.0.0.0:8080', from('10.0.0.5'))).toBeNull();
    expect(pageOfNode('[::]:8080', from('127.0.0.1'))).toBeNull();
  });

  it('is on loopback for those alone who are there', () => {
    const loopback = ['127.0.0.1:8081', '127.1.2.3:8081', 'localhost:8081', '[::1]:8081'];
    for (const address of loopback) {
      expect(pageOfNode(address, from('10.0.0.5')), address).toBeNull();
      expect(pageOfNode(address, from('localhost')), address).toBe(`http://${address}/#/raft`);
    }
  });
});
