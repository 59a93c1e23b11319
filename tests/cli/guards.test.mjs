// What stops a market, a line or a feed for a while, as it is typed.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startNode } from '../clients/devnode.mjs'
import { actor, privateKey } from '../clients/world.mjs'
import { typing } from './command.mjs'

const who = (name) => ({ address: actor(name).address, key: privateKey(name) })
const BORROWER = who('borrower')
const OWNER = who('governance')

describe('guards, as they are typed', () => {
  let node
  before(async () => {
    node = await startNode(['dev', '--ephemeral', '--no-live', '--block-time', '0.2'])
    await done(BORROWER, 'supply', 'WETH', '10')
  })
  after(() => node?.stop())

  const { done, json, refused } = typing(() => node)
  const guards = () => json(null, 'market', 'guards')

  test('a market begins without guards', async () => {
    const state = await guards()
    assert.deepEqual(state.now, { level: 'open', until: 0 })
    assert.equal(state.breaker, null)
    assert.match(await done(null, 'market', 'guards'), /no breaker/)
    assert.match(await done(null, 'market', 'guards'), /no meter/)
  })

  test('a pause has an end, and repaying goes on', async () => {
    await done(BORROWER, 'borrow', 'USDC', '200')
    const said = await done(OWNER, 'market', 'pause', 'frozen', '--for', '6h')
    assert.match(said, /market 1 is frozen until .* UTC/)
    await refused(BORROWER, 'borrow USDC 1', /MarketPaused/)
    await done(BORROWER, 'repay', 'USDC', '10')
    await done(BORROWER, 'supply', 'WETH', '0.1')
    const { now, liquidationResumesAt } = await guards()
    assert.equal(now.level, 'frozen')
    assert.equal(liquidationResumesAt, now.until + 3600)
    assert.match(await done(null, 'markets'), /Market 1 · frozen until/)
    await done(OWNER, 'market', 'pause', 'open')
    await done(BORROWER, 'borrow', 'USDC', '1')
    await refused(BORROWER, 'market pause restricted --for 1h', /NotAuthorised/)
    await refused(OWNER, 'market pause frozen --for ever', /a time is/)
    await refused(OWNER, 'market pause open --for 1h', /InvalidParameter/)
  })

  test('governance recognises a market by what it lists', async () => {
    const [market] = await json(null, 'markets')
    assert.equal(market.recognised, true)
    const listed = ['--collaterals', market.collaterals.length, '--vaults', market.lines.length]
    assert.match(await done(OWNER, 'market', 'recognise', '--off'), /not recognised/)
    assert.match(await done(null, 'markets'), /Market 1 · open · not recognised/)
    await refused(BORROWER, `market recognise ${listed.join(' ')}`, /NotAuthorised/)
    await refused(OWNER, 'market recognise --collaterals 1 --vaults 1', /InvalidParameter/)
    await refused(OWNER, 'market recognise --collaterals 1', /--vaults/)
    assert.match(await done(OWNER, 'market', 'recognise', ...listed.map(String)), /is recognised/)
  })

  test('a meter says what is left', async () => {
    await done(OWNER, 'market', 'meter', 'USDC', '--limit', '500', '--window', '1d')
    await refused(BORROWER, 'borrow USDC 501', /DrawLimitReached/)
    await done(BORROWER, 'borrow', 'USDC', '400')
    const left = (await guards()).meters.find((meter) => meter.windowSeconds === 86400).left
    assert.ok(Number(left) >= 100 && Number(left) < 101, left)
    await refused(BORROWER, 'market meter USDC --limit 1 --window 1d', /NotAuthorised/)
    await refused(OWNER, 'market meter USDC', /--limit/)
    assert.match(await done(OWNER, 'market', 'meter', 'USDC', '--off'), /without a meter/)
    await done(BORROWER, 'borrow', 'USDC', '501')
  })

  test('a breaker is set, shown and taken away', async () => {
    const set = ['breaker', '--part', '20', '--window', '1h', '--pause', '6h']
    await done(OWNER, 'market', ...set)
    const { breaker } = await guards()
    assert.deepEqual(breaker, { partBps: 2000, windowSeconds: 3600, pauseSeconds: 21600 })
    await refused(OWNER, 'market breaker --part 20 --window 1h', /--pause/)
    await refused(OWNER, 'market breaker --part 0 --window 1h --pause 8d', /InvalidParameter/)
    await done(OWNER, 'market', 'breaker', '--off')
    assert.equal((await guards()).breaker, null)
  })

  test('a frozen feed lends nothing, and is used again', async () => {
    assert.match(await done(OWNER, 'feed', 'freeze', 'WETH', '--for', '6h'), /is frozen until/)
    await refused(BORROWER, 'borrow USDC 1', /FeedFrozen/)
    assert.match(await done(null, 'feeds', 'WETH'), /frozen/)
    await done(BORROWER, 'repay', 'USDC', '1')
    await refused(BORROWER, 'feed unfreeze WETH', /NotAuthorised/)
    await refused(OWNER, 'feed freeze WETH --for 4d', /InvalidParameter/)
    await done(OWNER, 'feed', 'unfreeze', 'WETH')
    await done(BORROWER, 'borrow', 'USDC', '1')
    await refused(OWNER, 'feed unfreeze WETH', /FeedNotFrozen/)
    await refused(OWNER, 'feed freeze BEANS --for 1h', /BEANS/)
  })
})
