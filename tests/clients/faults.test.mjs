// What a node under attack does: it answers what it can, says clearly what it does not, goes on making blocks, and stops
// when it is told to.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { parseGwei } from 'viem'
import { eventually, post, rpc, startNode } from './devnode.mjs'
import { actor, wallet } from './world.mjs'

const IDLE = 700
const FLOOD = 5_000
const BATCH = 100
const STOP_SECONDS = 2

describe('a node under attack', () => {
  let node, sender
  before(async () => {
    node = await startNode()
    sender = await wallet(node.url, actor('borrower'))
  })
  after(() => node?.stop('SIGKILL'))

  const head = async () => Number(await rpc(node.url, 'eth_blockNumber'))
  /** Blocks go on, and a transaction gets into one. */
  async function well() {
    const before = await eventually(head)
    const hash = await sender.sendTransaction({ to: sender.account.address, value: 1n })
    const receipt = await sender.waitForTransactionReceipt({ hash })
    assert.equal(receipt.status, 'success')
    await eventually(async () => (await head()) > before)
  }

  test('idle connections keep nobody out, and blocks go on', async () => {
    const { port } = new URL(node.url)
    const before = await head()
    const sockets = await Promise.all(
      Array.from(
        { length: IDLE },
        () =>
          new Promise((resolve) => {
            const socket = connect(Number(port), '127.0.0.1', () => resolve(socket))
            socket.on('error', () => resolve(socket))
          }),
      ),
    )
    const { status } = await post(node.url, { jsonrpc: '2.0', id: 1, method: 'eth_chainId' })
    assert.equal(status, 200)
    sockets.forEach((socket) => socket.destroy())
    await well()
    assert.ok((await head()) > before + 2)
  })

  test('a request of a hundred megabytes is refused by its size', async () => {
    const padding = ' '.repeat(100 << 20)
    const { status } = await post(
      node.url,
      `{"jsonrpc":"2.0","id":1,${padding}"method":"eth_chainId","params":[]}`,
    ).catch(({ cause }) => ({ status: cause?.code }))
    assert.ok([413, 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(status), String(status))
    await well()
  })

  test('a subscriber that does not read holds nobody up', async () => {
    const { port } = new URL(node.url)
    const socket = connect(Number(port), '127.0.0.1')
    const upgrade = [
      'GET / HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      '\r\n',
    ]
    socket.write(upgrade.join('\r\n'))
    await new Promise((resolve) => socket.once('data', resolve))
    socket.pause()
    const call = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["0x0",true]}')
    // A masked text frame, again and again, whose answers nobody takes.
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | call.length, 0, 0, 0, 0]), call])
    for (let sent = 0; sent < 20_000; sent += 1) socket.write(frame)
    await well()
    socket.destroy()
  })

  test('a flood of worthless transactions is refused one by one', async () => {
    const poor = await wallet(node.url, actor('spender'))
    const request = await sender.prepareTransactionRequest({
      to: poor.account.address,
      value: 10n ** 30n,
      gas: 21_000n,
      maxFeePerGas: parseGwei('100'),
      maxPriorityFeePerGas: 1n,
    })
    const worthless = await sender.signTransaction(request)
    const calls = Array.from({ length: BATCH }, (_, id) => ({
      jsonrpc: '2.0',
      id,
      method: 'eth_sendRawTransaction',
      params: [worthless],
    }))
    for (let sent = 0; sent < FLOOD; sent += BATCH) {
      const { json } = await post(node.url, calls)
      assert.equal(json.length, BATCH)
      assert.ok(json.every(({ error }) => /insufficient funds/.test(error.message)))
    }
    await well()
  })

  test('it ends in two seconds with its clients still there', async () => {
    const { port } = new URL(node.url)
    const sockets = Array.from({ length: 50 }, () => connect(Number(port), '127.0.0.1'))
    sockets.forEach((socket) => socket.on('error', () => {}))
    await rpc(node.url, 'eth_chainId')
    const began = Date.now()
    const { code } = await node.stop()
    assert.equal(code, 0)
    assert.ok(Date.now() - began < STOP_SECONDS * 1_000, `${Date.now() - began} ms`)
    sockets.forEach((socket) => socket.destroy())
  })
})
