// What a node must survive: each bad input gets its own clear error, changes nothing, and the
// node goes on. `unharmed` runs after every test.

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { WebSocketProvider } from 'ethers'
import { decodeErrorResult, encodeFunctionData, maxUint256, parseEther, parseGwei } from 'viem'
import { eventually, passTime, post, rpc, startNode } from './devnode.mjs'
import {
  MARKET,
  ORACLE,
  REGISTRY,
  abi,
  actor,
  buildWorld,
  oracleDomain,
  publish,
  signedReport,
  story,
  wallet,
} from './world.mjs'

const { units, wads, seconds, types } = story
const SUB = 0
const REVERTED = 3
const [PARSE, REQUEST, METHOD, PARAMS] = [-32700, -32600, -32601, -32602]
const SYSTEM = '0xfffffffffffffffffffffffffffffffffffffffe'
const NOBODY = '0x00000000000000000000000000000000000000aa'
const U128_MAX = 2n ** 128n - 1n
const DEPOSIT = 1_000_000_000n
const PLEDGE = parseEther('1')
const names = ['lender', 'borrower', 'liquidator', 'spender', 'delegator']

let node, world, reader, chainId, calm
const clients = {}
before(async () => {
  node = await startNode()
  world = await buildWorld(node.url)
  for (const name of [...names, 'governance', 'publisher']) {
    clients[name] = await wallet(node.url, actor(name))
  }
  reader = clients.spender
  chainId = reader.chain.id
  await mined('lender', ...target('vault'), 'deposit', [DEPOSIT, actor('lender').address])
  await mined('borrower', ...target('weth'), 'deposit', [], PLEDGE)
  const pledge = [world.market, actor('borrower').address, SUB, world.weth, PLEDGE]
  await mined('borrower', ...target('market'), 'supplyCollateral', pledge)
  calm = await snapshot()
})
after(() => node?.stop())
afterEach(unharmed)

/** The address and ABI of one of the world's contracts. */
function target(name) {
  const addresses = { ...world, market: MARKET, oracle: ORACLE, registry: REGISTRY }
  const kind = { usd: 'asset', weth: 'asset' }[name] ?? name
  return [addresses[name], abi()[kind]]
}

async function mined(name, address, contractAbi, functionName, args, value) {
  const call = { address, abi: contractAbi, functionName, args, value }
  const hash = await clients[name].writeContract(call)
  const receipt = await reader.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success', functionName)
}

/** Everything that no refused input may change. */
async function snapshot() {
  const read = async (contract, functionName, ...args) => {
    const [address, contractAbi] = target(contract)
    return reader.readContract({ address, abi: contractAbi, functionName, args })
  }
  const balances = {}
  for (const token of ['usd', 'weth', 'vault']) {
    for (const name of names) balances[`${token} ${name}`] = await read(token, 'balanceOf', actor(name).address)
  }
  const { price, round } = await read('oracle', 'feedState', world.ethFeed)
  // The index grows by itself; without debt nothing follows from it.
  const { borrowIndex: _, ...vault } = await read('vault', 'state')
  return {
    balances,
    feed: [price, round],
    vault,
    market: await read('market', 'marketState', world.market),
    debt: await read('market', 'debtOf', world.market, actor('borrower').address, SUB, world.vault),
    pledged: await read('market', 'collateralOf', world.market, actor('borrower').address, SUB, world.weth),
    counts: await read('registry', 'counts'),
    supply: await read('usd', 'totalSupply'),
    governance: await read('registry', 'governance'),
  }
}

async function unharmed() {
  assert.ok(node.alive(), 'the node ended')
  const before = BigInt(await rpc(node.url, 'eth_blockNumber'))
  await rpc(node.url, 'evm_mine')
  assert.ok(BigInt(await rpc(node.url, 'eth_blockNumber')) > before, 'no block since')
  assert.deepEqual(await snapshot(), calm)
}

/** The error object that a request is answered with. */
async function refused(method, ...params) {
  const { json, text } = await post(node.url, { jsonrpc: '2.0', id: 7, method, params })
  assert.ok(json?.error, `${method} was not refused: ${text.slice(0, 300)}`)
  assert.equal(json.id, 7)
  assert.equal(typeof json.error.message, 'string')
  return json.error
}

describe('JSON-RPC', () => {
  test('an unknown method is -32601', async () => {
    for (const method of ['eth_nonsense', 'gage_nonsense', 'nonsense', 'debug_setHead', '']) {
      assert.equal((await refused(method)).code, METHOD, method)
    }
  })

  test('malformed JSON is -32700', async () => {
    const nested = '['.repeat(200_000)
    for (const body of ['{', '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"', 'nonsense', '\u0000', nested]) {
      const { json, text } = await post(node.url, body)
      assert.equal(json?.error?.code, PARSE, `${body.slice(0, 60)} → ${text.slice(0, 200)}`)
    }
  })

  test('what is no request is -32600', async () => {
    for (const body of ['[]', '{"jsonrpc":"2.0","id":1}', '{"jsonrpc":"2.0","id":1,"method":7}', '42']) {
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
      if (json?.error?.code !== PARAMS) wrong.push(`${method} ${JSON.stringify(params)} → ${text.slice(0, 200)}`)
    }
    assert.deepEqual(wrong, [])
  })

  test('a batch is answered one by one, a huge one refused', async () => {
    const one = (id) => ({ jsonrpc: '2.0', id, method: id % 2 ? 'eth_chainId' : 'eth_nonsense', params: [] })
    const few = await post(node.url, [1, 2, 3].map(one))
    const byId = Object.fromEntries(few.json.map((answer) => [answer.id, answer]))
    assert.equal(Number(byId[1].result), chainId)
    assert.equal(byId[2].error.code, METHOD)
    assert.equal(Number(byId[3].result), chainId)

    const many = await post(node.url, Array.from({ length: 20_000 }, (_, index) => one(index)))
    const error = many.json?.error ?? many.json?.[0]?.error
    assert.ok(many.status === 413 || error?.code < -32000, `${many.status} ${many.text.slice(0, 200)}`)
    assert.ok(many.text.length < 10_000, 'the refusal is short')
  })

  test('an oversize body is refused', async () => {
    const body = { jsonrpc: '2.0', id: 1, method: 'eth_call', params: [{ to: NOBODY, data: `0x${'00'.repeat(20_000_000)}` }] }
    // A server may also close the connection while the body is still being sent.
    const answer = await post(node.url, body).catch((error) => ({ status: 413, text: String(error) }))
    assert.ok(answer.status === 413 || answer.json?.error, `${answer.status} ${answer.text.slice(0, 200)}`)
  })

  test('other HTTP requests are refused', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await fetch(node.url, { method })
      assert.ok(response.status >= 400 && response.status < 500, `${method} → ${response.status}`)
    }
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

  test('what would cost too much is refused or cut short', async () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => `0x${index.toString(16).padStart(64, '0')}`)
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
    const loop = await refused('eth_call', { to: NOBODY, gas: '0xffffffffffffffff' }, 'latest', overrides)
    assert.match(loop.message, /gas/i)
  })

  test('a WebSocket refuses an unknown subscription', async () => {
    const live = new WebSocketProvider(node.webSocketUrl)
    try {
      for (const params of [['nonsense'], [], ['logs', { address: 5 }]]) {
        await assert.rejects(live.send('eth_subscribe', params), (error) => error.error.code <= -32600)
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

describe('transactions', () => {
  const fees = { maxFeePerGas: parseGwei('50'), maxPriorityFeePerGas: parseGwei('1') }
  const to = NOBODY

  async function sign(name, fields) {
    const nonce = await reader.getTransactionCount({ address: actor(name).address })
    const transaction = { chainId, to, nonce, gas: 21_000n, value: 1n, ...fees, ...fields }
    return actor(name).signTransaction(transaction)
  }
  const submit = (raw) => refused('eth_sendRawTransaction', raw)

  test('bytes that are no transaction', async () => {
    for (const raw of ['0x', '0x00', '0x02', `0x02${'ff'.repeat(50)}`, `0x${'c0'.repeat(3)}`, '0x7fc0']) {
      assert.ok((await submit(raw)).code <= -32000, raw)
    }
  })

  test('a bad signature', async () => {
    const valid = await sign('delegator', {})
    const [r, s] = [valid.slice(-130, -66), valid.slice(-64)]
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const high = (order - BigInt(`0x${s}`)).toString(16).padStart(64, '0')
    const forged = [
      valid.slice(0, -130) + 'ff'.repeat(32) + valid.slice(-66),
      valid.slice(0, -64) + high,
      valid.slice(0, -64) + 'ff'.repeat(32),
    ]
    assert.equal(r.length, 64)
    for (const raw of forged) assert.match((await submit(raw)).message, /signature|sender/i)
  })

  test('a made-up prelude', async () => {
    // The exact shape of a block's prelude: legacy, free, signed with zeros.
    const head = await reader.getBlock({ includeTransactions: true })
    const [prelude] = head.transactions
    assert.equal(prelude.from, SYSTEM)
    const raw = await rpc(node.url, 'eth_getRawTransactionByHash', prelude.hash).catch(() => undefined)
    if (raw) assert.ok((await submit(raw)).code <= -32000)
    const data = encodeFunctionData({ abi: abi().oracle, functionName: 'prelude', args: [[]] })
    const error = await refused('eth_call', { from: actor('spender').address, to: ORACLE, data }, 'latest')
    assert.equal(decodeErrorResult({ abi: abi().errors, data: error.data }).errorName, 'SystemOnly')
  })

  test('a wrong chain', async () => {
    assert.match((await submit(await sign('spender', { chainId: chainId + 1 }))).message, /chain/i)
  })

  test('a nonce that is used', async () => {
    assert.match((await submit(await sign('lender', { nonce: 0 }))).message, /nonce too low/)
  })

  test('a nonce gap is held until it is filled; replacing it costs a tenth more', async () => {
    const nonce = await reader.getTransactionCount({ address: actor('delegator').address })
    const ahead = await sign('delegator', { nonce: nonce + 1 })
    const hash = await rpc(node.url, 'eth_sendRawTransaction', ahead)
    await rpc(node.url, 'evm_mine')
    assert.equal(await rpc(node.url, 'eth_getTransactionReceipt', hash), null)
    assert.equal((await rpc(node.url, 'eth_getTransactionByHash', hash)).blockNumber, null)
    assert.equal(Number((await rpc(node.url, 'txpool_status')).queued), 1)

    assert.match((await submit(ahead)).message, /already known/)
    const same = { nonce: nonce + 1, value: 2n }
    assert.match((await submit(await sign('delegator', same))).message, /replacement transaction underpriced/)
    const little = { maxFeePerGas: parseGwei('51'), maxPriorityFeePerGas: parseGwei('1') + 1n }
    assert.match(
      (await submit(await sign('delegator', { ...same, ...little }))).message,
      /replacement transaction underpriced/,
    )
    const enough = { maxFeePerGas: parseGwei('55'), maxPriorityFeePerGas: parseGwei('1.1') }
    const replacement = await sign('delegator', { ...same, ...enough })
    const replaced = await rpc(node.url, 'eth_sendRawTransaction', replacement)

    await rpc(node.url, 'eth_sendRawTransaction', await sign('delegator', { nonce }))
    await eventually(async () => {
      await rpc(node.url, 'evm_mine')
      return (await rpc(node.url, 'eth_getTransactionReceipt', replaced)) !== null
    })
    assert.equal(await rpc(node.url, 'eth_getTransactionByHash', hash), null)
    assert.equal(await reader.getTransactionCount({ address: actor('delegator').address }), nonce + 2)
  })

  test('more than the sender has', async () => {
    const error = await submit(await sign('spender', { value: parseEther('1000000') }))
    assert.match(error.message, /insufficient funds/)
    const broke = await submit(await sign('spender', { maxFeePerGas: parseEther('1'), gas: 1_000_000n }))
    assert.match(broke.message, /insufficient funds/)
    await submit(await sign('spender', { value: maxUint256 }))
  })

  test('gas that is too little or too much', async () => {
    assert.match((await submit(await sign('spender', { gas: 20_999n }))).message, /intrinsic gas/)
    const { gasLimit } = await reader.getBlock()
    assert.match((await submit(await sign('spender', { gas: gasLimit + 1n }))).message, /gas limit/)
    // viem signs no tip above the fee, so the two single bytes are swapped after the fact.
    const raw = await sign('spender', { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n })
    assert.ok(raw.includes('0102825208'), 'the two fees stand before the gas limit')
    assert.ok((await submit(raw.replace('0102825208', '0201825208'))).code <= -32000)
  })

  test('a fee below the base fee', async () => {
    // Refused or held, never mined.
    const { json } = await post(node.url, {
      jsonrpc: '2.0',
      id: 1,
      method: 'eth_sendRawTransaction',
      params: [await sign('liquidator', { maxFeePerGas: 1n, maxPriorityFeePerGas: 0n })],
    })
    await rpc(node.url, 'evm_mine')
    if (json.result) assert.equal(await rpc(node.url, 'eth_getTransactionReceipt', json.result), null)
    else assert.match(json.error.message, /underpriced|fee/)
  })

  test('oversize calldata and init code', async () => {
    const big = await sign('spender', { data: `0x${'00'.repeat(200_000)}`, gas: 10_000_000n })
    assert.match((await submit(big)).message, /oversized|too large|size/i)
    const init = await sign('spender', { to: undefined, data: `0x${'00'.repeat(49_153)}`, gas: 10_000_000n })
    assert.match((await submit(init)).message, /init ?code/i)
  })

  test('a blob transaction', async () => {
    // Type 3, otherwise nonsense: the type alone is reason enough.
    assert.ok((await submit(`0x03${'c0'.repeat(1)}`)).code <= -32000)
    const unsigned = { type: 'eip4844', maxFeePerBlobGas: 1n, blobVersionedHashes: [`0x01${'11'.repeat(31)}`] }
    assert.ok((await submit(await sign('spender', unsigned))).code <= -32000)
  })
})

describe('the protocol', () => {
  /** The custom error of a call: its name. Asked for by estimate, then really sent and mined. */
  async function turnedDown(name, contract, functionName, args, value = 0n) {
    const [address, contractAbi] = target(contract)
    const data = encodeFunctionData({ abi: contractAbi, functionName, args })
    return turnedDownRaw(name, address, data, value)
  }

  async function turnedDownRaw(name, address, data, value = 0n) {
    const call = { from: actor(name).address, to: address, data, value: `0x${value.toString(16)}` }
    const asked = await refused('eth_estimateGas', call)
    const called = await refused('eth_call', call, 'latest')
    assert.equal(called.code, REVERTED, called.message)
    assert.equal(asked.code, REVERTED, asked.message)
    assert.equal(asked.data, called.data)
    const { errorName } = decodeErrorResult({ abi: abi().errors, data: called.data })
    assert.match(called.message, new RegExp(errorName), 'the message names the error')
    const hash = await clients[name].sendTransaction({ to: address, data, value, gas: 2_000_000n })
    await rpc(node.url, 'evm_mine')
    const receipt = await reader.waitForTransactionReceipt({ hash })
    assert.equal(receipt.status, 'reverted')
    assert.equal(receipt.logs.length, 0)
    return errorName
  }

  /** Rows of [contract, function, arguments, the error's name or names]. */
  async function table(name, rows) {
    const wrong = []
    for (const [contract, functionName, args, expected] of rows) {
      const got = await turnedDown(name, contract, functionName, args).catch((error) => error.message)
      if (![expected].flat().includes(got)) wrong.push(`${functionName}: ${got}, not ${expected}`)
    }
    assert.deepEqual(wrong, [])
  }

  const me = actor('borrower').address
  const lender = actor('lender').address

  test('zero amounts', () =>
    table('borrower', [
      ['vault', 'deposit', [0n, me], 'ZeroAmount'],
      ['vault', 'mint', [0n, me], 'ZeroAmount'],
      ['vault', 'withdraw', [0n, me, me], 'ZeroAmount'],
      ['vault', 'redeem', [0n, me, me], 'ZeroAmount'],
      ['market', 'supplyCollateral', [world.market, me, SUB, world.weth, 0n], 'ZeroAmount'],
      ['market', 'withdrawCollateral', [world.market, SUB, world.weth, 0n, me], 'ZeroAmount'],
      ['market', 'borrow', [world.market, SUB, world.vault, 0n, me], 'ZeroAmount'],
      ['market', 'repay', [world.market, me, SUB, world.vault, 0n], ['ZeroAmount', 'NoDebt']],
    ]))

  test('more than there is', () =>
    table('borrower', [
      ['usd', 'transfer', [lender, units.borrowerFunds + 1n], 'ERC20InsufficientBalance'],
      ['usd', 'burn', [units.borrowerFunds + 1n], 'ERC20InsufficientBalance'],
      ['usd', 'transferFrom', [lender, me, 1n], 'ERC20InsufficientAllowance'],
      ['weth', 'withdraw', [1n], 'ERC20InsufficientBalance'],
      ['vault', 'deposit', [units.borrowerFunds + 1n, me], 'ERC20InsufficientBalance'],
      ['vault', 'redeem', [1n, me, me], ['ERC4626ExceededMaxRedeem', 'ERC20InsufficientBalance']],
      ['vault', 'withdraw', [DEPOSIT, me, lender], ['ERC20InsufficientAllowance', 'ERC4626ExceededMaxWithdraw']],
      ['market', 'supplyCollateral', [world.market, me, SUB, world.weth, 1n], 'ERC20InsufficientBalance'],
      ['market', 'withdrawCollateral', [world.market, SUB, world.weth, PLEDGE + 1n, me], 'InsufficientCollateral'],
      ['market', 'borrow', [world.market, SUB, world.vault, DEPOSIT + 1n, me], ['Illiquid', 'CapExceeded']],
      ['market', 'repay', [world.market, me, SUB, world.vault, 1n], 'NoDebt'],
      ['market', 'liquidate', [world.market, me, SUB, world.vault, world.weth, 1n, me], ['NoDebt', 'Healthy']],
    ]))

  test('amounts at the edges of 128 and 256 bits', async () => {
    for (const amount of [U128_MAX, U128_MAX + 1n, maxUint256 - 1n, maxUint256]) {
      const large = amount > U128_MAX ? ['AmountTooLarge'] : []
      const poor = [...large, 'ERC20InsufficientBalance', 'Overflow']
      await table('borrower', [
        ['usd', 'transfer', [lender, amount], poor],
        ['vault', 'deposit', [amount, me], [...poor, 'ERC4626ExceededMaxDeposit']],
        ['vault', 'mint', [amount, me], [...poor, 'ERC4626ExceededMaxMint']],
        ['vault', 'withdraw', [amount, me, me], [...poor, 'ERC4626ExceededMaxWithdraw']],
        ['vault', 'redeem', [amount, me, me], [...poor, 'ERC4626ExceededMaxRedeem']],
        ['market', 'supplyCollateral', [world.market, me, SUB, world.weth, amount], [...poor, 'CapExceeded']],
        ['market', 'borrow', [world.market, SUB, world.vault, amount, me], [...poor, 'CapExceeded', 'Illiquid']],
      ])
      await table('governance', [['usd', 'mint', [me, amount], [...large, 'Overflow']]])
    }
    // Views answer or refuse; they do not break.
    for (const functionName of ['convertToShares', 'convertToAssets', 'previewDeposit', 'previewMint', 'previewWithdraw', 'previewRedeem']) {
      const data = encodeFunctionData({ abi: abi().vault, functionName, args: [maxUint256] })
      const { json } = await post(node.url, {
        jsonrpc: '2.0',
        id: 1,
        method: 'eth_call',
        params: [{ to: world.vault, data }, 'latest'],
      })
      assert.ok(json.result || json.error.code === REVERTED, functionName)
    }
  })

  test('what is not there', () =>
    table('borrower', [
      ['market', 'borrow', [77, SUB, world.vault, 1n, me], 'UnknownMarket'],
      ['market', 'borrow', [0, SUB, world.vault, 1n, me], 'UnknownMarket'],
      ['market', 'supplyCollateral', [4294967295, me, SUB, world.weth, 1n], 'UnknownMarket'],
      ['market', 'borrow', [world.market, SUB, NOBODY, 1n, me], ['NotNativeContract', 'VaultNotListed']],
      ['market', 'borrow', [world.market, SUB, world.weth, 1n, me], ['NotNativeContract', 'VaultNotListed']],
      ['market', 'supplyCollateral', [world.market, me, SUB, world.usd, 1n], 'CollateralNotListed'],
      ['usd', 'transfer', [`0x${'00'.repeat(20)}`, 1n], ['ERC20InvalidReceiver', 'ZeroAddress']],
      ['registry', 'createVault', [NOBODY, 'No', 'NO', vaultTerms()], 'NotNativeContract'],
    ]))

  test('wrong roles', async () => {
    await table('borrower', [
      ['usd', 'mint', [me, 1n], 'NotAuthorised'],
      ['usd', 'setIssuer', [me], 'NotAuthorised'],
      ['weth', 'mint', [me, 1n], ['NotMintable', 'NotAuthorised']],
      ['vault', 'setCaps', [1n, 1n], 'NotAuthorised'],
      ['vault', 'setPaused', [true], 'NotAuthorised'],
      ['vault', 'setCurator', [me], 'NotAuthorised'],
      ['vault', 'setLineCap', [world.market, 1n], 'NotAuthorised'],
      ['vault', 'collectReserves', [me, 1n], 'NotAuthorised'],
      ['market', 'setPause', [world.market, 2], 'NotAuthorised'],
      ['market', 'setMarketOwner', [world.market, me], 'NotAuthorised'],
      ['market', 'listVault', [world.market, world.vault, world.usdFeed, 1n], 'NotAuthorised'],
      ['oracle', 'setPublisher', [world.ethFeed, me, true], 'NotAuthorised'],
      ['registry', 'setGovernance', [me], 'NotAuthorised'],
      ['registry', 'setGuardian', [me], 'NotAuthorised'],
      ['oracle', 'prelude', [[]], 'SystemOnly'],
    ])
    await table('governance', [['market', 'setPause', [world.market, 9], 'UnknownPauseLevel']])
  })

  test('calls that no ABI would make', async () => {
    const borrow = encodeFunctionData({
      abi: abi().market,
      functionName: 'borrow',
      args: [world.market, SUB, world.vault, 1n, me],
    })
    assert.equal(await turnedDownRaw('borrower', MARKET, '0xdeadbeef'), 'UnknownFunction')
    assert.match(await turnedDownRaw('borrower', MARKET, '0xde'), /UnknownFunction|MalformedCall/)
    assert.equal(await turnedDownRaw('borrower', MARKET, borrow.slice(0, -2)), 'MalformedCall')
    // A market id of 2^32: dirty high bits are not cut off.
    const dirty = `${borrow.slice(0, 10)}${(2n ** 32n).toString(16).padStart(64, '0')}${borrow.slice(74)}`
    assert.equal(await turnedDownRaw('borrower', MARKET, dirty), 'MalformedCall')
    assert.equal(await turnedDownRaw('borrower', MARKET, borrow, 1n), 'NotPayable')
    assert.match(await turnedDownRaw('borrower', MARKET, '0x', 1n), /NotPayable|UnknownFunction|MalformedCall/)
  })

  test('native code under a stranger’s address', async () => {
    // DELEGATECALL to the market with the caller's calldata, its answer handed on.
    const code = `0x365f5f375f5f365f73${MARKET.slice(2)}5af43d5f5f3e6029573d5ffd5b3d5ff3`
    const data = encodeFunctionData({
      abi: abi().market,
      functionName: 'borrow',
      args: [world.market, SUB, world.vault, 1n, me],
    })
    const error = await refused('eth_call', { from: me, to: NOBODY, data }, 'latest', { [NOBODY]: { code } })
    assert.equal(decodeErrorResult({ abi: abi().errors, data: error.data }).errorName, 'DirectCallOnly')
  })

  test('reports that do not count', async () => {
    const { timestamp } = await reader.getBlock()
    const [address, contractAbi] = target('oracle')
    const feed = { address, abi: contractAbi, functionName: 'feedState', args: [world.ethFeed] }
    const { round, updatedAt } = await reader.readContract(feed)
    const good = { feed: world.ethFeed, round: round + 1n, time: timestamp, price: wads.ethAfter }
    const submit = async (changes, { signer = 'publisher', domain = {} } = {}) => {
      const message = { ...good, ...changes }
      const signature = await actor(signer).signTypedData({
        domain: { ...oracleDomain(chainId), ...domain },
        types: { PriceReport: types.PriceReport },
        primaryType: 'PriceReport',
        message,
      })
      return post(node.url, {
        jsonrpc: '2.0',
        id: 1,
        method: 'gage_submitReports',
        params: [[signedReport(message, signature)]],
      })
    }
    const rows = [
      [{}, { signer: 'borrower' }, /UnknownPublisher/],
      [{}, { domain: { chainId: chainId + 1 } }, /UnknownPublisher/],
      [{ feed: 77 }, {}, /UnknownFeed/],
      [{ round }, {}, /ReportNotNewer/],
      [{ time: updatedAt }, {}, /ReportNotNewer/],
      [{ time: timestamp + 1_000_000n }, {}, /ReportFromFuture/],
      [{ price: 0n }, {}, /PriceOutOfBounds/],
      [{ price: 10n ** 31n }, {}, /PriceOutOfBounds/],
      [{ price: maxUint256 }, {}, /PriceOutOfBounds|AmountTooLarge/],
    ]
    const wrong = []
    for (const [changes, options, expected] of rows) {
      const { json, text } = await submit(changes, options)
      if (!expected.test(json?.error?.message)) wrong.push(`${expected}: ${text.slice(0, 200)}`)
      await rpc(node.url, 'evm_mine')
    }
    assert.deepEqual(wrong, [])
  })

  test('the protocol’s own RPC methods', async () => {
    assert.match((await refused('gage_account', me, 77)).message, /UnknownMarket|unknown market/i)
    assert.match((await refused('gage_explain', 77, me, 0)).message, /UnknownMarket|unknown market/i)
    assert.ok((await refused('gage_explain', world.market, me, -1)).code <= -32000)
    assert.ok((await refused('gage_whatIf', world.market, me, 0, { borrow: 'all' })).code <= -32000)
  })

  test('a stale price', async () => {
    await passTime(node.url, seconds.maxAge + 1)
    await table('borrower', [
      ['market', 'borrow', [world.market, SUB, world.vault, units.minDebt, me], 'StalePrice'],
    ])
    // Nothing else waits for a price: without debt the collateral is free.
    const [address, contractAbi] = target('market')
    await reader.simulateContract({
      account: me,
      address,
      abi: contractAbi,
      functionName: 'withdrawCollateral',
      args: [world.market, SUB, world.weth, PLEDGE, me],
    })
  })

  test('after all that, an honest loan', async () => {
    const loan = [world.market, SUB, world.vault, units.minDebt, me]
    await publish(node.url, [[world.ethFeed, wads.ethBefore], [world.usdFeed, wads.dollar]])
    await mined('borrower', ...target('market'), 'borrow', loan)
    await mined('borrower', ...target('market'), 'repay', [world.market, me, SUB, world.vault, maxUint256])
    calm = await snapshot()
  })
})

function vaultTerms() {
  const rates = { kind: 0, base: 0, slope1: 400, slope2: 6000, kink: 9000, rateAtTarget: 0n }
  return { reserveFee: 0, supplyCap: 1n, borrowCap: 1n, rates }
}
