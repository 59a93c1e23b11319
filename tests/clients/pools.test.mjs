// A pool as a source of a feed, through viem: the pair that Uniswap published, deployed, traded and pumped.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { pad, zeroAddress } from 'viem'
import { actingIn } from './acting.mjs'
import { passTime, startNode } from './devnode.mjs'
import { ORACLE, abi, actor, buildWorld, publish, story, terms, wallet } from './world.mjs'

const uniswap = (name) => createRequire(import.meta.url)(`@uniswap/v2-core/build/${name}.json`)
const FACTORY = uniswap('UniswapV2Factory')
const PAIR = uniswap('UniswapV2Pair')
const WAD = 10n ** 18n
const USD = 10n ** 6n
const WINDOW = 600
const RESERVES = { weth: 40n * WAD, usd: 80_000n * USD }
/** What `poolState` says of why a pool is silent. */
const SPEAKS = 0
const TOO_THIN = 3
const TOO_SHORT = 4
const DRIFTED = 5

describe('viem: a pool as a source', () => {
  let node, world, owner, lender, calls, feed
  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
    owner = await wallet(node.url, actor('governance'))
    lender = await wallet(node.url, actor('lender'))
    calls = actingIn(world, owner)
    calls.at.oracle = () => ({ address: ORACLE, abi: abi().oracle })
    const deployed = await owner.deployContract({
      abi: FACTORY.abi,
      bytecode: `0x${FACTORY.bytecode}`,
      args: [zeroAddress],
    })
    const factory = (await owner.waitForTransactionReceipt({ hash: deployed })).contractAddress
    calls.at.factory = () => ({ address: factory, abi: FACTORY.abi })
    const made = await calls.act(owner, 'factory', 'createPair', [world.usd, world.weth])
    const pair = made.result
    calls.at.pair = () => ({ address: pair, abi: PAIR.abi })
    const created = await calls.act(owner, 'oracle', 'createFeed', [
      world.weth,
      'ETH / USD by pool',
      { ...terms(3_600), priceMin: WAD, priceMax: 10n ** 24n },
    ])
    feed = created.result
    await calls.act(lender, 'weth', 'deposit', [], { value: 100n * WAD })
  })
  after(() => node?.stop())

  const pair = () => calls.at.pair().address
  const wethIsFirst = async () => (await calls.read('pair', 'token0')) === world.weth
  const poolTerms = async (changed = {}) => ({
    pool: pair(),
    isToken0: await wethIsFirst(),
    decimals: 18,
    quoteDecimals: 6,
    window: WINDOW,
    drift: 500,
    reserveMin: 10_000n * USD,
    quoteFeed: world.usdFeed,
    ...changed,
  })
  const name = async (changed) => [feed, 1, 600, await poolTerms(changed)]
  const refused = async (changed) =>
    (await calls.refusal(owner, 'oracle', 'setPoolSource', await name(changed)))[0]
  const state = () => calls.read('oracle', 'poolState', feed, pair())
  const price = async () => (await calls.read('oracle', 'feedState', feed)).price
  const dollars = (wad) => Number(wad / 10n ** 14n) / 10_000
  const near = (found, wanted) => assert.ok(Math.abs(found / wanted - 1) < 0.01, `${found}, ${wanted}`)

  /** The chain's clock goes on for this many minutes, with blocks and a fresh dollar. */
  async function minutes(count) {
    for (let minute = 0; minute < count; minute += 1) {
      await passTime(node.url, 60)
      await publish(node.url, [[world.usdFeed, story.wads.dollar]])
    }
  }

  /** Sells one token to the pair for the other, as a router would. */
  async function swap(token, amount) {
    await calls.act(lender, token, 'transfer', [pair(), amount])
    const [first, second] = await calls.read('pair', 'getReserves')
    const zeroIn = (token === 'weth') === (await wethIsFirst())
    const [own, other] = zeroIn ? [first, second] : [second, first]
    const kept = amount * 997n
    const out = (kept * other) / (own * 1_000n + kept)
    const outs = zeroIn ? [0n, out] : [out, 0n]
    await calls.act(lender, 'pair', 'swap', [...outs, lender.account.address, '0x'])
    return out
  }

  test('what is no pool, or another one, is refused by name', async () => {
    assert.equal(await refused({ pool: lender.account.address }), 'NotAPool')
    assert.equal(await refused({ pool: world.usd }), 'NotAPool')
    assert.equal(await refused({ isToken0: !(await wethIsFirst()) }), 'WrongPoolToken')
    assert.equal(await refused({ decimals: 6 }), 'InvalidParameter')
    assert.equal(await refused({ quoteDecimals: 18 }), 'InvalidParameter')
    assert.equal(await refused({ window: 60 }), 'InvalidParameter')
    assert.equal(await refused({ drift: 0 }), 'InvalidParameter')
    assert.equal(await refused({ quoteFeed: feed }), 'WrongFeed')
    assert.equal(await refused({ quoteFeed: world.ethFeed }), 'WrongPoolToken')
    const stranger = await calls.refusal(lender, 'oracle', 'setPoolSource', await name())
    assert.equal(stranger[0], 'NotAuthorised')
    const elsewhere = { kind: 5, key: pad(world.usd), weight: 1, maxAge: 600 }
    const unnamed = await calls.refusal(owner, 'oracle', 'setSource', [feed, elsewhere])
    assert.equal(unnamed[0], 'UnknownSource')
  })

  test('an empty pool and a young one say nothing', async () => {
    await calls.act(owner, 'oracle', 'setPoolSource', await name())
    await minutes(1)
    assert.ok((await state()).silence !== SPEAKS)
    assert.equal(await price(), 0n)
    await calls.act(lender, 'weth', 'transfer', [pair(), RESERVES.weth])
    await calls.act(lender, 'usd', 'transfer', [pair(), RESERVES.usd])
    await calls.act(lender, 'pair', 'mint', [lender.account.address])
    await minutes(2)
    assert.equal((await state()).silence, TOO_SHORT)
    assert.equal(await price(), 0n)
  })

  test('after its window it is worth what it trades at', async () => {
    await minutes(10)
    assert.equal((await state()).silence, SPEAKS)
    near(dollars(await price()), 2_000)
    const [source] = await calls.read('oracle', 'sourceStates', feed)
    assert.equal(source.fresh, true)
  })

  test('a pump moves nothing, and silences it until it is over', async () => {
    const before = await price()
    const bought = await swap('usd', 80_000n * USD)
    await minutes(1)
    const pumped = await state()
    assert.equal(pumped.silence, DRIFTED)
    assert.ok(dollars(pumped.spot) > 7_000)
    assert.equal(await price(), before)
    await swap('weth', bought)
    // What the minute left in the mean has passed after two windows at most.
    await minutes(20)
    assert.equal((await state()).silence, SPEAKS)
    near(dollars(await price()), 2_000)
  })

  test('a price that stays is followed', async () => {
    await swap('usd', 8_000n * USD)
    await minutes(21)
    const { silence, spot } = await state()
    assert.equal(silence, SPEAKS)
    assert.ok(dollars(spot) > 2_300)
    near(dollars(await price()), dollars(spot))
  })

  test('a pool that was emptied says nothing', async () => {
    const shares = await calls.read('pair', 'balanceOf', lender.account.address)
    await calls.act(lender, 'pair', 'transfer', [pair(), shares])
    await calls.act(lender, 'pair', 'burn', [lender.account.address])
    await minutes(1)
    assert.equal((await state()).silence, TOO_THIN)
  })
})
