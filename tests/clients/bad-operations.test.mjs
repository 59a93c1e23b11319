// What the protocol refuses: each cause has its own custom error, in calls, estimates and mined
// transactions alike.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeErrorResult, encodeFunctionData, maxUint256, pad } from 'viem'
import { passTime, post, rpc } from './devnode.mjs'
import {
  DEPOSIT,
  NOBODY,
  PLEDGE,
  SUB,
  chainId,
  clients,
  mined,
  node,
  reader,
  refused,
  remember,
  target,
  watch,
  world,
} from './unharmed.mjs'
import { MARKET, abi, actor, oracleDomain, publish, signedReport, source, story } from './world.mjs'

const { units, wads, seconds, types } = story
const REVERTED = 3
const U128_MAX = 2n ** 128n - 1n

watch()

describe('bad operations', () => {
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
      const got = await turnedDown(name, contract, functionName, args).catch(
        (error) => error.message,
      )
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
      [
        'vault',
        'withdraw',
        [DEPOSIT, me, lender],
        ['ERC20InsufficientAllowance', 'ERC4626ExceededMaxWithdraw'],
      ],
      [
        'market',
        'supplyCollateral',
        [world.market, me, SUB, world.weth, 1n],
        'ERC20InsufficientBalance',
      ],
      [
        'market',
        'withdrawCollateral',
        [world.market, SUB, world.weth, PLEDGE + 1n, me],
        'InsufficientCollateral',
      ],
      [
        'market',
        'borrow',
        [world.market, SUB, world.vault, DEPOSIT + 1n, me],
        ['Illiquid', 'CapExceeded'],
      ],
      ['market', 'repay', [world.market, me, SUB, world.vault, 1n], 'NoDebt'],
      [
        'market',
        'liquidate',
        [world.market, me, SUB, world.vault, world.weth, 1n, me],
        ['NoDebt', 'Healthy'],
      ],
    ]))

  test('amounts at the edges of 128 and 256 bits', async () => {
    for (const amount of [U128_MAX, U128_MAX + 1n, maxUint256 - 1n, maxUint256]) {
      const large = amount > U128_MAX ? ['AmountTooLarge'] : []
      const poor = [...large, 'ERC20InsufficientBalance', 'Overflow']
      await table('borrower', [
        ['usd', 'transfer', [lender, amount], poor],
        ['vault', 'deposit', [amount, me], [...poor, 'ERC4626ExceededMaxDeposit']],
        ['vault', 'mint', [amount, me], [...poor, 'ERC4626ExceededMaxMint']],
        [
          'vault',
          'withdraw',
          [amount, me, me],
          [...poor, 'ERC4626ExceededMaxWithdraw', 'Illiquid'],
        ],
        ['vault', 'redeem', [amount, me, me], [...poor, 'ERC4626ExceededMaxRedeem']],
        [
          'market',
          'supplyCollateral',
          [world.market, me, SUB, world.weth, amount],
          [...poor, 'CapExceeded'],
        ],
        [
          'market',
          'borrow',
          [world.market, SUB, world.vault, amount, me],
          [...poor, 'CapExceeded', 'Illiquid'],
        ],
      ])
      await table('governance', [['usd', 'mint', [me, amount], [...large, 'Overflow']]])
    }
    // Views answer or refuse; they do not break.
    for (const functionName of [
      'convertToShares',
      'convertToAssets',
      'previewDeposit',
      'previewMint',
      'previewWithdraw',
      'previewRedeem',
    ]) {
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
      [
        'market',
        'borrow',
        [world.market, SUB, NOBODY, 1n, me],
        ['NotNativeContract', 'VaultNotListed'],
      ],
      [
        'market',
        'borrow',
        [world.market, SUB, world.weth, 1n, me],
        ['NotNativeContract', 'VaultNotListed'],
      ],
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
      ['market', 'recogniseMarket', [world.market, 1, 1], 'NotAuthorised'],
      ['oracle', 'setSource', [world.ethFeed, source(me)], 'NotAuthorised'],
      ['oracle', 'setSigners', [2, pad('0x05'), [me], 1, 0n], 'NotAuthorised'],
      ['registry', 'setGovernance', [me], 'NotAuthorised'],
      ['registry', 'setGuardian', [me], 'NotAuthorised'],
      ['oracle', 'prelude', [[], []], 'SystemOnly'],
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
    const market = (2n ** 32n).toString(16).padStart(64, '0')
    const dirty = `${borrow.slice(0, 10)}${market}${borrow.slice(74)}`
    assert.equal(await turnedDownRaw('borrower', MARKET, dirty), 'MalformedCall')
    assert.equal(await turnedDownRaw('borrower', MARKET, borrow, 1n), 'NotPayable')
    assert.match(
      await turnedDownRaw('borrower', MARKET, '0x', 1n),
      /NotPayable|UnknownFunction|MalformedCall/,
    )
  })

  test('native code under a stranger’s address', async () => {
    // DELEGATECALL to the market with the caller's calldata, its answer handed on.
    const code = `0x365f5f375f5f365f73${MARKET.slice(2)}5af43d5f5f3e6029573d5ffd5b3d5ff3`
    const data = encodeFunctionData({
      abi: abi().market,
      functionName: 'borrow',
      args: [world.market, SUB, world.vault, 1n, me],
    })
    const error = await refused('eth_call', { from: me, to: NOBODY, data }, 'latest', {
      [NOBODY]: { code },
    })
    assert.equal(
      decodeErrorResult({ abi: abi().errors, data: error.data }).errorName,
      'DirectCallOnly',
    )
  })

  test('reports that do not count', async () => {
    const { timestamp } = await reader.getBlock()
    const [address, contractAbi] = target('oracle')
    const feed = { address, abi: contractAbi, functionName: 'feedState', args: [world.ethFeed] }
    const { rounds, updatedAt } = await reader.readContract(feed)
    const round = BigInt(rounds)
    const price = wads.ethAfter
    const good = { feed: world.ethFeed, round: round + 1n, time: timestamp, price, confidence: 0n }
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
      [{ price: maxUint256 }, {}, /AmountTooLarge/],
      [{ confidence: maxUint256 }, {}, /AmountTooLarge/],
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
    assert.match(
      (await refused('gage_explain', 77, me, 0)).message,
      /UnknownMarket|unknown market/i,
    )
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
    await publish(node.url, [
      [world.ethFeed, wads.ethBefore],
      [world.usdFeed, wads.dollar],
    ])
    await mined('borrower', 'market', 'borrow', loan)
    await mined('borrower', 'market', 'repay', [world.market, me, SUB, world.vault, maxUint256])
    await remember()
  })
})

function vaultTerms() {
  const rates = { kind: 0, base: 0, slope1: 400, slope2: 6000, kink: 9000, rateAtTarget: 0n }
  return { reserveFee: 0, supplyCap: 1n, borrowCap: 1n, rates }
}
