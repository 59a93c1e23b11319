// Requests that make no sense, or would cost too much: each gets its own error code.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WebSocketProvider } from 'ethers'
import { toHex } from 'viem'
import { post, rpc } from './devnode.mjs'
import { NOBODY, chainId, node, reader, refused, watch, world } from './unharmed.mjs'

const [PARSE, REQUEST, METHOD, PARAMS] = [-32700, -32600, -32601, -32602]
const STATES_KEPT = 256
const KNOWN = `
  eth_chainId eth_blockNumber eth_getBalance eth_getCode eth_getStorageAt eth_getTransactionCount
  eth_call eth_estimateGas eth_createAccessList eth_simulateV1 eth_gasPrice
  eth_maxPriorityFeePerGas eth_blobBaseFee eth_feeHistory
  eth_sendRawTransaction eth_getTransactionByHash eth_getTransactionReceipt
  eth_getTransactionByBlockNumberAndIndex eth_getTransactionByBlockHashAndIndex
  eth_getBlockByNumber eth_getBlockByHash eth_getBlockReceipts eth_getBlockTransactionCountByNumber
  eth_getBlockTransactionCountByHash eth_getLogs eth_newFilter eth_newBlockFilter
  eth_newPendingTransactionFilter eth_getFilterChanges eth_getFilterLogs eth_uninstallFilter
  eth_syncing eth_getProof debug_traceTransaction debug_traceCall debug_traceBlockByNumber
  debug_traceBlockByHash net_version net_listening net_peerCount web3_clientVersion web3_sha3
  txpool_status txpool_content gage_markets gage_vaults gage_account gage_explain gage_whatIf
  gage_feeds gage_liquidations gage_submitReports evm_mine evm_increaseTime
  evm_setNextBlockTimestamp gage_faucet`
  .trim()
  .split(/\s+/)

watch()

describe('bad requests', () => {
  test('an unknown method is -32601, no other is', async () => {
    for (const method of ['eth_nonsense', 'gage_nonsense', 'nonsense', 'debug_setHead', '']) {
      assert.equal((await refused(method)).code, METHOD, method)
    }
    const missing = []
    for (const method of KNOWN) {
      const { json } = await post(node.url, { jsonrpc: '2.0', id: 1, method, params: [] })
      if (json.error?.code === METHOD) missing.push(method)
    }
    assert.deepEqual(missing, [])
  })

  test('malformed JSON is -32700', async () => {
    const nested = '['.repeat(200_000)
    for (const body of [
      '{',
      '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"',
      'nonsense',
      '\u0000',
      nested,
    ]) {
      const { json, text } = await post(node.url, body)
      assert.equal(json?.error?.code, PARSE, `${body.slice(0, 60)} → ${text.slice(0, 200)}`)
    }
  })

  test('what is no request is -32600', async () => {
    for (const body of [
      '[]',
      '{"jsonrpc":"2.0","id":1}',
      '{"jsonrpc":"2.0","id":1,"method":7}',
      '42',
    ]) {
      const { json, text } = await post(node.url, body)
      assert.ok([REQUEST, PARSE].includes(json?.error?.code), `${body} → ${text.slice(0, 200)}`)
    }
  })

  test('wrong types are -32602', async () => {
    const calls = [
      ['eth_getBalance'],
      ['eth_getBalance', 1, 'latest'],
      ['eth_getBalance', '0x12', 'latest'],
      ['eth_getBalance', `${NOBODY}00`, 'latest'],
      ['eth_getBalance', NOBODY, 'yesterday'],
      ['eth_getBalance', NOBODY, '0xzz'],
      ['eth_getBalance', NOBODY, -1],
      ['eth_getBlockByNumber', {}, true],
      ['eth_getBlockByNumber', 'latest', 'perhaps'],
      ['eth_getBlockByHash', '0x1234', false],
      ['eth_call', 42, 'latest'],
      ['eth_call', { to: 'nobody' }, 'latest'],
      ['eth_call', { to: NOBODY, data: '0x1' }, 'latest'],
      ['eth_call', { to: NOBODY, value: '0x1'.padEnd(80, '0') }, 'latest'],
      ['eth_estimateGas', { to: NOBODY, gas: 'much' }],
      ['eth_getLogs', 'all'],
      ['eth_getLogs', { topics: 'Transfer' }],
      ['eth_getLogs', { fromBlock: '0x0', blockHash: `0x${'0'.repeat(64)}` }],
      ['eth_getStorageAt', NOBODY, 'first', 'latest'],
      ['eth_getTransactionReceipt', '0x00'],
      ['eth_sendRawTransaction', 5],
      ['eth_sendRawTransaction', 'hello'],
      ['eth_feeHistory', 'few', 'latest', []],
      ['eth_getProof', NOBODY, 'keys', 'latest'],
      ['gage_account', 'nobody'],
      ['gage_explain', 'main', NOBODY, 0],
      ['gage_submitReports', 'cheap'],
      ['gage_submitReports', [{ report: {} }]],
      ['evm_increaseTime', 'long'],
      ['evm_increaseTime', -1],
    ]
    const wrong = []
    for (const [method, ...params] of calls) {
      const { json, text } = await post(node.url, { jsonrpc: '2.0', id: 1, method, params })
      if (json?.error?.code !== PARAMS)
        wrong.push(`${method} ${JSON.stringify(params)} → ${text.slice(0, 200)}`)
    }
    assert.deepEqual(wrong, [])
  })

  test('a batch is answered one by one, a huge one refused', async () => {
    const one = (id) => ({
      jsonrpc: '2.0',
      id,
      method: id % 2 ? 'eth_chainId' : 'eth_nonsense',
      params: [],
    })
    const few = await post(node.url, [1, 2, 3].map(one))
    const byId = Object.fromEntries(few.json.map((answer) => [answer.id, answer]))
    assert.equal(Number(byId[1].result), chainId)
    assert.equal(byId[2].error.code, METHOD)
    assert.equal(Number(byId[3].result), chainId)

    const many = await post(
      node.url,
      Array.from({ length: 20_000 }, (_, index) => one(index)),
    )
    const error = many.json?.error ?? many.json?.[0]?.error
    assert.ok(
      many.status === 413 || error?.code < -32000,
      `${many.status} ${many.text.slice(0, 200)}`,
    )
    assert.ok(many.text.length < 10_000, 'the refusal is short')
  })

  test('an oversize body is refused', async () => {
    const body = {
      jsonrpc: '2.0',
      id: 1,
      method: 'eth_call',
      params: [{ to: NOBODY, data: `0x${'00'.repeat(20_000_000)}` }],
    }
    // A server may also close the connection while the body is still being sent.
    const answer = await post(node.url, body).catch((error) => ({
      status: 413,
      text: String(error),
    }))
    assert.ok(
      answer.status === 413 || answer.json?.error,
      `${answer.status} ${answer.text.slice(0, 200)}`,
    )
  })

  test('other HTTP requests are refused', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await fetch(node.url, { method })
      assert.ok(response.status >= 400 && response.status < 500, `${method} → ${response.status}`)
    }
    // A browser's question, whether a page may ask, is answered.
    const preflight = await fetch(node.url, {
      method: 'OPTIONS',
      headers: { origin: 'https://wallet.example', 'access-control-request-method': 'POST' },
    })
    assert.equal(preflight.status, 200)
    assert.ok(preflight.headers.get('access-control-allow-origin'))
  })

  test('what does not exist is null, what cannot be known an error', async () => {
    const hash = `0x${'11'.repeat(32)}`
    assert.equal(await rpc(node.url, 'eth_getBlockByNumber', '0xffffffff', false), null)
    assert.equal(await rpc(node.url, 'eth_getBlockByHash', hash, false), null)
    assert.equal(await rpc(node.url, 'eth_getTransactionByHash', hash), null)
    assert.equal(await rpc(node.url, 'eth_getTransactionReceipt', hash), null)
    assert.ok((await refused('eth_getBalance', NOBODY, '0xffffffff')).code <= -32000)
    assert.ok((await refused('eth_call', { to: NOBODY }, '0xffffffff')).code <= -32000)
    assert.match((await refused('eth_getFilterChanges', '0x1234')).message, /filter/i)
    assert.match((await refused('eth_getFilterLogs', '0x1234')).message, /filter/i)
  })

  test('a pruned state is named', async () => {
    const head = Number(await rpc(node.url, 'eth_blockNumber'))
    for (let count = 0; count < STATES_KEPT; count++) await rpc(node.url, 'evm_mine')
    assert.match((await refused('eth_getBalance', NOBODY, toHex(head - 1))).message, /pruned/)
    const traced = await refused('debug_traceBlockByNumber', toHex(head - 1), {
      tracer: 'callTracer',
    })
    assert.match(traced.message, /pruned/)
    assert.ok(
      await rpc(node.url, 'eth_getBlockByNumber', toHex(head - 1), false),
      'its block is kept',
    )
  })

  test('what would cost too much is refused or cut short', async () => {
    const keys = Array.from(
      { length: 20_000 },
      (_, index) => `0x${index.toString(16).padStart(64, '0')}`,
    )
    assert.ok((await refused('eth_getProof', world.vault, keys, 'latest')).code <= -32000)
    assert.ok((await refused('eth_getLogs', { fromBlock: '0x10', toBlock: '0x1' })).code <= -32000)
    const history = await post(node.url, {
      jsonrpc: '2.0',
      id: 1,
      method: 'eth_feeHistory',
      params: ['0xffffffff', 'latest', []],
    })
    assert.ok(history.json.error || history.json.result.gasUsedRatio.length <= 1024)
    // An endless loop (JUMPDEST PUSH0 JUMP), called with all the gas that fits.
    const overrides = { [NOBODY]: { code: '0x5b5f56' } }
    const loop = await refused(
      'eth_call',
      { to: NOBODY, gas: '0xffffffffffffffff' },
      'latest',
      overrides,
    )
    assert.match(loop.message, /gas/i)
  })

  test('a WebSocket refuses an unknown subscription', async () => {
    const live = new WebSocketProvider(node.webSocketUrl)
    try {
      for (const params of [['nonsense'], [], ['logs', { address: 5 }]]) {
        await assert.rejects(
          live.send('eth_subscribe', params),
          (error) => error.error.code <= -32600,
        )
      }
      assert.equal(await live.send('eth_unsubscribe', ['0x77']).catch(() => false), false)
      assert.equal(Number(await live.send('eth_chainId', [])), chainId)
    } finally {
      await live.destroy()
    }
  })

  test('the clock of a dev chain stays sane', async () => {
    const { timestamp } = await reader.getBlock()
    assert.ok((await refused('evm_setNextBlockTimestamp', Number(timestamp) - 100)).code <= -32000)
    assert.ok((await refused('evm_increaseTime', '0xffffffffffffffff')).code <= -32000)
    const later = await reader.getBlock()
    assert.ok(later.timestamp - timestamp < 3600n)
  })
})
