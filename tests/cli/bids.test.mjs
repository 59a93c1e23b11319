// Bids, stop-loss orders and what was liquidated, as typed: and what `gage` says to nonsense.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { passTime, startNode } from '../clients/devnode.mjs'
import { actor, privateKey } from '../clients/world.mjs'
import { typing } from './command.mjs'

const who = (name) => ({ address: actor(name).address, key: privateKey(name) })
const BIDDER = who('lender')
const BORROWER = who('borrower')
const OTHER = who('liquidator')
const PUBLISHER = who('publisher')

describe('gage, as its bidders type it', () => {
  let node
  before(async () => {
    node = await startNode(['dev', '--ephemeral', '--no-live', '--block-time', '0.2'])
  })
  after(() => node?.stop())

  const { done, json, refused } = typing(() => node)
  const healthOf = async (who) => Number((await json(who, 'explain')).healthFactor)
  const priceOf = async (symbol) => {
    const feeds = await json(null, 'feeds')
    return Number(feeds.find((feed) => feed.description.startsWith(symbol)).price.formatted)
  }
  /** The publisher moves WETH; the block that follows sweeps. */
  const scale = async (factor) =>
    done(PUBLISHER, 'price', 'WETH', ((await priceOf('WETH')) * factor).toFixed(6))

  test('help teaches', async () => {
    assert.match(await done(null, 'bid', '--help'), /earns the\s+vault's interest/)
    assert.match(await done(null, 'bid', 'place', '--help'), /gage bid place USDC WETH 5 1000/)
    assert.match(await done(null, 'stop-loss', '--help'), /gage stop-loss set/)
    assert.match(await done(null, 'queue', '--help'), /Lower discounts are filled first/)
  })

  test('an empty queue says how to fill it', async () => {
    assert.match(await done(null, 'queue', '1'), /No bids: USDC for WETH/)
    const shown = await done(null, 'queue', '1', '--vault', 'USDC', '--asset', 'WETH')
    assert.match(shown, /worth at least 100/)
    const [queue] = await json(null, 'queue', '1', '--vault', 'gUSDC', '--asset', 'weth')
    assert.deepEqual([queue.tiers, queue.bestDiscount], [[], null])
    assert.match(await done(null, 'liquidations'), /Nobody was liquidated/)
    assert.match(await done(null, 'losses'), /No bad debt/)
    assert.match(await done(BIDDER, 'bid', 'list'), /None/)
  })

  test('a bid takes shares, lent on the way if asked', async () => {
    await refused(BIDDER, 'bid place USDC WETH 2 1000', /--deposit/)
    await refused(BIDDER, 'bid place USDC WETH 2 max', /nothing is lent/)
    const placed = await done(BIDDER, 'bid', 'place', 'USDC', 'WETH', '2', '1000', '--deposit')
    assert.match(placed, /lent 1,000/)
    assert.match(placed, /bid 1,000.* USDC for WETH at 2 % below its price/)
    await done(BIDDER, 'deposit', 'USDC', '500')
    const told = await json(BIDDER, 'bid', 'place', 'USDC', 'WETH', '3.5%', 'max')
    assert.ok(Number(told.worth) > 499.9 && Number(told.worth) <= 500, told.worth)
    assert.equal(told.tier, 7)
    const [queue] = await json(null, 'queue', '1', '--vault', 'USDC', '--asset', 'WETH')
    assert.deepEqual(
      queue.tiers.map((tier) => tier.discount.formatted),
      ['2 %', '3.5 %'],
    )
    assert.match(await done(null, 'queue', '1', '--asset', 'WETH'), /2 %.*█/)
    assert.match(await done(BIDDER, 'bid', 'list'), /gUSDC\s+WETH\s+2 %/)
    assert.match(await done(null, 'bid', 'list', BIDDER.address), /3\.5 %/)
  })

  test('a price falls: the bid buys, and what it bought is claimed', async () => {
    await done(BORROWER, 'supply', 'WETH', '1')
    const [account] = (await json(null, 'account', BORROWER.address)).accounts
    await done(BORROWER, 'borrow', 'USDC', String(Math.floor(Number(account.borrowLimit))))
    await scale(0.955)
    assert.ok((await healthOf(BORROWER)) > 1)
    const { liquidations } = await json(null, 'liquidations')
    assert.equal(liquidations.length, 1)
    assert.deepEqual([liquidations[0].kind, liquidations[0].reason], ['sweep', 'unhealthy'])
    const table = await done(null, 'liquidations')
    assert.match(table, /unhealthy/)
    assert.match(table, /bids at 2 % off/)
    const [claimed] = await json(BIDDER, 'bid', 'claim')
    assert.match(claimed.amount, /^0\.\d+$/)
    await refused(BIDDER, 'bid claim', /has bought anything/)
    const held = (await json(null, 'account', BIDDER.address)).holds
    assert.ok(held.some((one) => one.token === 'WETH'))
  })

  test('a bid leaves after its notice', async () => {
    await refused(BIDDER, 'bid withdraw USDC WETH 3.5 max', /NoticeNotGiven[^]*bid announce/)
    const announced = await done(BIDDER, 'bid', 'announce', 'USDC', 'WETH', '3.5')
    assert.match(announced, /may leave from .* to .* UTC/)
    await refused(BIDDER, 'bid withdraw USDC WETH 3.5 max', /NoticeRunning.*opens at/)
    await passTime(node.url, 600)
    await refused(BIDDER, 'bid withdraw USDC WETH 3.5 450', /BidTooSmall/)
    assert.match(await done(BIDDER, 'bid', 'list'), /open until/)
    const part = await done(BIDDER, 'bid', 'withdraw', 'USDC', 'WETH', '3.5', '100')
    assert.match(part, /took back shares of gUSDC worth 100/)
    const told = await json(BIDDER, 'bid', 'withdraw', 'USDC', 'WETH', '3.5', 'max')
    assert.equal(told.worth, '0')
    await refused(BIDDER, 'bid withdraw USDC WETH 3.5 max', /NoBid/)
  })

  test('a stop-loss order is set, shown and taken back', async () => {
    const order = 'WETH USDC --trigger 1.2 --target 1.4 --max-discount 2'
    const set = await done(OTHER, 'stop-loss', 'set', ...order.split(' '))
    assert.match(set, /below health 1\.2 the next block sells WETH/)
    assert.match(await done(OTHER, 'stop-loss', 'show'), /Stop-loss: below health 1\.2/)
    const told = await json(null, 'stop-loss', 'show', OTHER.address)
    assert.equal(told.stopLoss.discountMax.formatted, '2 %')
    assert.equal(told.sweep, null)
    await done(OTHER, 'stop-loss', 'clear')
    assert.match(await done(OTHER, 'stop-loss', 'show'), /No stop-loss order/)
  })

  test('a lender liquidates with shares', async () => {
    await scale(0.9)
    // What the queue holds still is sold first; the rest waits for a liquidator.
    assert.ok((await healthOf(BORROWER)) < 1)
    await done(OTHER, 'deposit', 'USDC', '50000')
    const line = ['liquidate', BORROWER.address, 'USDC', 'WETH', '--with-shares']
    const before = await json(null, 'account', OTHER.address)
    assert.match(await done(OTHER, ...line), /repaid .* USDC, took .* WETH/)
    const after = await json(null, 'account', OTHER.address)
    const amount = (account, token) => account.holds.find((one) => one.token === token)?.amount
    assert.equal(amount(after, 'USDC'), amount(before, 'USDC'), 'no dollar moved')
    assert.notEqual(amount(after, 'lent to gUSDC'), amount(before, 'lent to gUSDC'))
    assert.match(await done(null, 'liquidations'), /0x[0-9a-fA-F]{4}….* \(\+/)
  })

  test('nonsense is refused before anything is sent', async () => {
    await refused(BIDDER, 'bid', /place/)
    await refused(BIDDER, 'bid dance', /dance/)
    await refused(BIDDER, 'bid place USDC WETH 5', /required/)
    for (const discount of ['5.3', '0.25', '31', '-1', 'cheap', '5.5.5']) {
      await refused(BIDDER, `bid place USDC WETH ${discount} 100`, /discount|argument/)
    }
    await refused(BIDDER, 'bid place USDC WETH 5.3 100', /5 % or 5\.5 %/)
    for (const amount of ['many', '1e3', '0x10', '1.0000001', '9'.repeat(60)]) {
      await refused(BIDDER, `bid place USDC WETH 5 ${amount}`, /number|decimals|large/)
    }
    await refused(BIDDER, 'bid place BEANS WETH 5 100', /BEANS/)
    await refused(BIDDER, 'bid place USDC BEANS 5 100', /BEANS/)
    await refused(BIDDER, 'bid place USDC SOL 5 100 --deposit', /CollateralNotListed/)
    await refused(BORROWER, 'bid place USDC WETH 20 100 --deposit', /more than 9 % off WETH/)
    await refused(BORROWER, 'bid place USDC WETH 5 10 --deposit', /at least 100/)
    await refused(BIDDER, 'bid place USDC WETH 5 100 --market 77 --deposit', /UnknownMarket|Listed/)
    await refused(BIDDER, 'bid announce USDC WETH 5', /NoBid/)
    await refused(BIDDER, 'bid claim USDC WETH', /required/)
    await refused(BIDDER, 'bid list nobody', /nobody/)
    await refused(null, 'bid place USDC WETH 5 100', /private-key|GAGE_PRIVATE_KEY/)
    await refused(null, 'queue 77', /UnknownMarket/)
    await refused(null, 'queue main', /main/)
    await refused(null, 'queue 1 --vault BEANS', /BEANS/)
    await refused(null, 'queue 1 --asset SOL', /no such queue/)
    await refused(null, 'liquidations --from-block 5 --to-block 2', /after toBlock/)
    await refused(null, 'losses --from-block yesterday', /yesterday/)
    const order = (trigger, target, discount) =>
      `stop-loss set WETH USDC --trigger ${trigger} --target ${target} --max-discount ${discount}`
    await refused(OTHER, order('1', '1.2', '2'), /InvalidParameter.*trigger/)
    await refused(OTHER, order('1.2', '1.1', '2'), /InvalidParameter.*target/)
    await refused(OTHER, order('high', '1.2', '2'), /--trigger is a health factor/)
    await refused(OTHER, order('1.1', '1.2', '2.2'), /2 % or 2\.5 %/)
    await refused(OTHER, 'stop-loss set WETH USDC', /--trigger/)
    assert.ok(node.alive())
  })
})
