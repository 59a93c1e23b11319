// What the node answers, against the schemas that Ethereum publishes for its JSON-RPC (see the source
// named in execution-apis.json).

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import Ajv from 'ajv/dist/2020.js'
import { pad, parseGwei, toHex } from 'viem'
import { eventually, post, startNode } from './devnode.mjs'
import { MARKET, actor, buildWorld, wallet } from './world.mjs'

const published = JSON.parse(
  readFileSync(new URL('./execution-apis.json', import.meta.url), 'utf8'),
)
const ajv = new Ajv({ strict: false, allErrors: true })
const schemas = Object.fromEntries(
  Object.entries(published.results).map(([method, result]) => [
    method,
    ajv.compile({ $defs: published.$defs, ...result }),
  ]),
)

const NOBODY = '0x00000000000000000000000000000000000000aa'
const UNKNOWN = pad('0x07', { size: 32 })
// Adds one to slot 0 and logs it; reverts with its input; calls the market with its input.
const COUNTER = '0x600c600c600039600c6000f35f546001015f5560075f5fa1'
const REVERTER = '0x6007600c60003960076000f3365f5f37365ffd'

describe("the answers have the published schemas' shape", () => {
  let node, world, borrower, filters
  const receipts = {}
  const called = new Set()

  /** Asks, and checks the answer's envelope and, if it is a result, its shape. */
  async function ask(method, ...params) {
    const { json, text } = await post(node.url, { jsonrpc: '2.0', id: 77, method, params })
    assert.equal(json?.jsonrpc, '2.0', text)
    assert.equal(json.id, 77, text)
    assert.equal('result' in json, !('error' in json), text)
    if (json.error) {
      assert.ok(Number.isInteger(json.error.code), text)
      assert.ok(typeof json.error.message === 'string' && json.error.message, text)
      return json
    }
    const valid = schemas[method]
    assert.ok(valid, `${method} is not published`)
    called.add(method)
    assert.ok(
      valid(json.result),
      `${method} ${JSON.stringify(params)}: ${ajv.errorsText(valid.errors)}\n${text.slice(0, 2000)}`,
    )
    return json
  }

  async function result(method, ...params) {
    const { result, error } = await ask(method, ...params)
    assert.equal(error, undefined, `${method}: ${error?.message}`)
    return result
  }

  async function mined(name, request) {
    const hash = await borrower.sendTransaction({ gas: 1_000_000n, ...request })
    receipts[name] = await eventually(
      async () => (await ask('eth_getTransactionReceipt', hash)).result ?? undefined,
    )
    return receipts[name]
  }

  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
    borrower = await wallet(node.url, actor('borrower'))
    filters = {
      logs: await result('eth_newFilter', {}),
      blocks: await result('eth_newBlockFilter'),
      pending: await result('eth_newPendingTransactionFilter'),
    }
    const counter = (await mined('created', { data: COUNTER })).contractAddress
    const reverter = (await mined('second', { data: REVERTER })).contractAddress
    const accessList = [{ address: counter, storageKeys: [UNKNOWN] }]
    const authorization = await borrower.signAuthorization({
      contractAddress: counter,
      executor: 'self',
    })
    await mined('legacy', { to: counter, type: 'legacy', gasPrice: parseGwei('20') })
    await mined('listed', { to: counter, type: 'eip2930', gasPrice: parseGwei('20'), accessList })
    await mined('dynamic', { to: counter, type: 'eip1559', accessList })
    await mined('delegated', {
      to: counter,
      type: 'eip7702',
      authorizationList: [authorization],
    }).catch(async () => {
      const fresh = await borrower.signAuthorization({ contractAddress: counter, executor: 'self' })
      return mined('delegated', { to: counter, type: 'eip7702', authorizationList: [fresh] })
    })
    await mined('reverted', { to: reverter, data: '0x0102' })
    await mined('native', {
      to: world.usd,
      data: `0x095ea7b3${'00'.repeat(12)}${MARKET.slice(2)}${'00'.repeat(32)}`,
    })
    Object.assign(receipts, { counter, reverter })
  })
  after(() => node?.stop())

  test('the node and its fees', async () => {
    for (const method of [
      'chainId',
      'blockNumber',
      'syncing',
      'accounts',
      'coinbase',
      'gasPrice',
      'maxPriorityFeePerGas',
      'blobBaseFee',
    ]) {
      await result(`eth_${method}`)
    }
    await result('net_version')
    await result('eth_feeHistory', '0x5', 'latest', [10, 50, 90])
    await result('eth_feeHistory', '0x400', 'latest', [])
    await result('eth_feeHistory', '0x0', 'latest', [])
  })

  test('blocks, found and not', async () => {
    const { blockHash, blockNumber } = receipts.dynamic
    const blocks = [
      '0x0',
      '0x1',
      blockNumber,
      'earliest',
      'latest',
      'safe',
      'finalized',
      '0xffffff',
    ]
    for (const block of blocks) {
      for (const full of [false, true]) await result('eth_getBlockByNumber', block, full)
      await result('eth_getBlockReceipts', block)
      await result('eth_getBlockTransactionCountByNumber', block)
      await result('eth_getUncleCountByBlockNumber', block)
    }
    for (const hash of [blockHash, UNKNOWN]) {
      for (const full of [false, true]) await result('eth_getBlockByHash', hash, full)
      await result('eth_getBlockReceipts', hash)
      await result('eth_getBlockTransactionCountByHash', hash)
      await result('eth_getUncleCountByBlockHash', hash)
    }
  })

  test('transactions of every type, found and not', async () => {
    const types = {
      legacy: '0x0',
      listed: '0x1',
      dynamic: '0x2',
      delegated: '0x4',
      created: '0x2',
      reverted: '0x2',
      native: '0x2',
    }
    for (const [name, type] of Object.entries(types)) {
      const { transactionHash, blockHash, blockNumber, transactionIndex } = receipts[name]
      const found = await result('eth_getTransactionByHash', transactionHash)
      assert.equal(found.type, type, name)
      assert.deepEqual(
        await result('eth_getTransactionByBlockHashAndIndex', blockHash, transactionIndex),
        found,
      )
      assert.deepEqual(
        await result('eth_getTransactionByBlockNumberAndIndex', blockNumber, transactionIndex),
        found,
      )
      await result('eth_getTransactionReceipt', transactionHash)
    }
    // What the system sends has the form of a legacy transaction.
    await result('eth_getTransactionByBlockNumberAndIndex', receipts.native.blockNumber, '0x0')
    assert.equal(await result('eth_getTransactionByHash', UNKNOWN), null)
    assert.equal(await result('eth_getTransactionReceipt', UNKNOWN), null)
    assert.equal(await result('eth_getTransactionByBlockHashAndIndex', UNKNOWN, '0x0'), null)
    assert.equal(await result('eth_getTransactionByBlockNumberAndIndex', 'latest', '0x99'), null)
    const raw = await borrower.signTransaction(
      await borrower.prepareTransactionRequest({ to: NOBODY, value: 1n }),
    )
    await result('eth_sendRawTransaction', raw)
  })

  test('accounts and proofs', async () => {
    for (const address of [borrower.account.address, receipts.counter, MARKET, NOBODY]) {
      await result('eth_getBalance', address, 'latest')
      await result('eth_getTransactionCount', address, 'pending')
      await result('eth_getCode', address, 'latest')
      await result('eth_getStorageAt', address, '0x0', 'latest')
      await result('eth_getProof', address, ['0x0', UNKNOWN], 'latest')
    }
  })

  test('calls, and what they would do', async () => {
    const from = borrower.account.address
    await result('eth_call', { from, to: receipts.counter }, 'latest')
    await result('eth_estimateGas', { from, to: receipts.counter })
    await result('eth_createAccessList', { from, to: receipts.counter }, 'latest')
    await result('eth_createAccessList', { from, to: receipts.reverter, data: '0x01' }, 'latest')
    const calls = [
      { from, to: receipts.counter },
      { from, to: receipts.reverter, input: '0x01' },
      { from, to: receipts.counter, gas: '0x5300' },
      { from, to: NOBODY, value: '0x1', gasPrice: '0x0' },
      { from, input: COUNTER },
    ]
    for (const returnFullTransactions of [false, true]) {
      const blockStateCalls = [{ calls }, { blockOverrides: { time: '0x7fffffff' } }]
      const blocks = await result(
        'eth_simulateV1',
        { blockStateCalls, traceTransfers: true, returnFullTransactions },
        'latest',
      )
      assert.deepEqual(
        blocks[0].calls.map(({ status }) => status),
        ['0x1', '0x0', '0x0', '0x1', '0x1'],
      )
    }
  })

  test('logs and filters', async () => {
    const { blockHash } = receipts.dynamic
    const found = await result('eth_getLogs', { fromBlock: 'earliest', toBlock: 'latest' })
    assert.ok(found.length > 5)
    assert.equal((await result('eth_getLogs', { blockHash, address: receipts.counter })).length, 1)
    assert.deepEqual(
      await result('eth_getLogs', { address: NOBODY, topics: [null, [UNKNOWN]] }),
      [],
    )
    assert.ok((await result('eth_getFilterChanges', filters.logs)).length)
    assert.ok((await result('eth_getFilterLogs', filters.logs)).length >= 0)
    assert.ok((await result('eth_getFilterChanges', filters.blocks)).length)
    assert.ok((await result('eth_getFilterChanges', filters.pending)).length)
    for (const filter of Object.values(filters))
      assert.equal(await result('eth_uninstallFilter', filter), true)
    assert.equal(await result('eth_uninstallFilter', filters.logs), false)
  })

  test('traces', async () => {
    const callTracer = { tracer: 'callTracer', tracerConfig: { withLog: true } }
    for (const name of ['created', 'dynamic', 'reverted', 'native']) {
      const { transactionHash, blockNumber, blockHash } = receipts[name]
      const frame = await result('debug_traceTransaction', transactionHash, callTracer)
      assert.equal(frame.gasUsed, receipts[name].gasUsed)
      const steps = await result('debug_traceTransaction', transactionHash, {
        enableMemory: true,
        enableReturnData: true,
      })
      assert.equal(toHex(steps.gas), receipts[name].gasUsed)
      await result('debug_traceBlockByNumber', blockNumber, callTracer)
      await result('debug_traceBlockByHash', blockHash)
    }
  })

  test('what is refused is an error, and nothing but one', async () => {
    const to = receipts.reverter
    const wrong = [
      ['eth_getBalance'],
      ['eth_getBalance', 'nobody', 'latest'],
      ['eth_getBalance', NOBODY, '0xffffff'],
      ['eth_getBlockByNumber', 'newest', false],
      ['eth_getBlockByHash', '0x12', false],
      ['eth_getTransactionByHash', 7],
      ['eth_getStorageAt', NOBODY, 'slot', 'latest'],
      ['eth_getProof', NOBODY, 'slots', 'latest'],
      ['eth_getLogs', { fromBlock: '0x2', toBlock: '0x1' }],
      ['eth_getLogs', { blockHash: UNKNOWN }],
      ['eth_getFilterChanges', '0x99'],
      ['eth_feeHistory', '0x1', 'latest', [50, 10]],
      ['eth_sendRawTransaction', '0x1234'],
      ['eth_call', { to, data: '0x01' }, 'latest'],
      ['eth_call', { to: NOBODY, value: `0x${'ff'.repeat(16)}`, from: NOBODY }, 'latest'],
      ['eth_estimateGas', { to, data: '0x01' }],
      ['eth_createAccessList', { to: 'nobody' }],
      ['eth_simulateV1', { blockStateCalls: [{ blockOverrides: { number: '0x0' } }] }],
      ['debug_traceTransaction', UNKNOWN],
      ['debug_traceBlockByNumber', '0x0'],
      ['debug_traceBlockByHash', UNKNOWN],
      ['eth_nonsense'],
    ]
    for (const [method, ...params] of wrong) {
      const { error } = await ask(method, ...params)
      assert.ok(error, `${method} ${JSON.stringify(params)}`)
    }
    const { error } = await ask('eth_call', { to, data: '0x01' }, 'latest')
    assert.deepEqual([error.code, error.data], [3, '0x01'])
  })

  test('no published method was left out', () => {
    assert.deepEqual([...called].sort(), Object.keys(schemas).sort())
  })
})
