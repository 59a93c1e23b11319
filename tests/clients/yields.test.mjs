// Yield-bearing collateral through viem: a rate that is reported and capped, its composite price, a
// vault's share as collateral, a circle that is refused, and a rebasing view.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { actingIn } from './acting.mjs'
import { passTime, startNode } from './devnode.mjs'
import {
  MARKET,
  ORACLE,
  REGISTRY,
  abi,
  actor,
  buildWorld,
  publish,
  source as publisherSource,
  story,
  terms as feedTerms,
  wallet,
} from './world.mjs'
import { zeroAddress as NOTHING } from 'viem'

const { units, wads } = story
const WAD = 10n ** 18n
const USD = 10n ** 6n
/** A tenth a year, as a ray per second. */
const GROWTH = 10n ** 26n / 31_536_000n + 1n
const terms = feedTerms(86_400)
/** The kind of a feed that is a price times a rate. */
const PRODUCT = 3

describe('viem: yield-bearing collateral', () => {
  let node, world, owner, lender, calls, rate, staked
  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
    ;[owner, lender] = await Promise.all(
      ['governance', 'lender'].map((name) => wallet(node.url, actor(name))),
    )
    calls = actingIn(world, lender)
    calls.at.oracle = () => ({ address: ORACLE, abi: abi().oracle })
    calls.at.registry = () => ({ address: REGISTRY, abi: abi().registry })
    await calls.act(lender, 'vault', 'deposit', [units.deposit, lender.account.address])
  })
  after(() => node?.stop())

  /** Carries an owner's call out; what it returned. */
  const make = async (contract, name, args) => (await calls.act(owner, contract, name, args)).result
  const feed = (id) => calls.read('oracle', 'feedState', id)
  const collateral = (id) => ({
    feed: id,
    ltv: 7500,
    threshold: 8000,
    bonusMin: 500,
    bonusMax: 1000,
    riskWeight: 0,
    cap: 10n ** 30n,
  })

  test('a rate is reported, multiplies a price, and cannot leap', async () => {
    rate = await make('oracle', 'createRateFeed', [NOTHING, 'stETH / ETH', terms, GROWTH])
    const product = [NOTHING, 'stETH / USD', terms, PRODUCT, world.ethFeed, rate]
    staked = await make('oracle', 'createComputedFeed', product)
    await make('oracle', 'setSource', [rate, publisherSource(actor('publisher').address)])
    await publish(node.url, [[rate, (12n * WAD) / 10n]])
    assert.equal((await feed(staked)).price, (wads.ethBefore * 12n) / 10n)
    await passTime(node.url, 60)
    await publish(node.url, [[rate, 2n * WAD]])
    const { source, price } = await feed(rate)
    assert.equal(source.anchor, price)
    assert.ok(price > (12n * WAD) / 10n && price < (12_001n * WAD) / 10_000n, `${price}`)
    const told = await lender.getContractEvents({
      address: ORACLE,
      abi: abi().oracle,
      eventName: 'RateCapped',
      fromBlock: 0n,
    })
    const { reported, accepted } = told.at(-1).args
    assert.deepEqual([reported, accepted], [2n * WAD, price])
    await passTime(node.url, 60)
    await publish(node.url, [[rate, WAD]])
    assert.equal((await feed(staked)).price, wads.ethBefore)
    const row = (await lender.request({ method: 'gage_feeds', params: [] })).at(staked - 1)
    assert.deepEqual([row.kind, row.base, row.other], ['product', world.ethFeed, rate])
  })

  test("a vault's share backs debt, and never to its own vault", async () => {
    const share = ['share / USD', terms, world.vault, world.usdFeed, GROWTH]
    const priced = await make('oracle', 'createShareFeed', share)
    const listing = [world.market, world.vault, collateral(priced)]
    const [name, args] = await calls.refusal(owner, 'market', 'addCollateral', listing)
    assert.equal(name, 'CircularBacking')
    assert.equal(args[0], world.market)
    const market = await make('market', 'createMarket', [
      { targetHealth: (105n * WAD) / 100n, fullBonusHealth: (9n * WAD) / 10n },
    ])
    await make('market', 'addCollateral', [market, world.vault, collateral(priced)])
    const me = lender.account.address
    const shares = 1_000n * USD * 10n ** 6n
    await calls.act(lender, 'market', 'supplyCollateral', [market, me, 0, world.vault, shares])
    const explained = await lender.request({ method: 'gage_explain', params: [market, me] })
    assert.equal(explained.collaterals[0].asset.symbol, 'gUSDX')
    assert.ok(Number(explained.collaterals[0].value.formatted) > 999)
    const line = [market, world.vault, world.usdFeed, units.minDebt]
    await make('market', 'listVault', line)
    const [again] = await calls.refusal(owner, 'vault', 'setLineCap', [market, 1n])
    assert.equal(again, 'CircularBacking')
    await calls.act(lender, 'market', 'withdrawCollateral', [market, 0, world.vault, shares, me])
  })

  test('a rebasing view is the same balance', async () => {
    const view = await make('registry', 'createRebasing', [world.usd, 'Growing', 'GUSD', rate])
    const at = { address: view, abi: abi().rebasing }
    const read = (functionName, ...args) => lender.readContract({ ...at, functionName, args })
    const me = lender.account.address
    const held = await calls.held('usd', lender)
    assert.equal(await read('sharesOf', me), held)
    const price = (await feed(rate)).price
    assert.equal(await read('balanceOf', me), (held * price) / WAD)
    const args = [actor('borrower').address, 10n * USD]
    const { request } = await lender.simulateContract({ ...at, functionName: 'transfer', args })
    const hash = await lender.writeContract(request)
    const receipt = await lender.waitForTransactionReceipt({ hash })
    const addresses = receipt.logs.map((log) => log.address.toLowerCase())
    assert.deepEqual(addresses, [world.usd, view].map((token) => token.toLowerCase()))
    assert.equal(await calls.held('usd', lender), held - (10n * USD * WAD + price - 1n) / price)
  })
})
