// First-loss capital, as typed.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { passTime, startNode } from '../clients/devnode.mjs'
import { actor, privateKey } from '../clients/world.mjs'
import { typing } from './command.mjs'

const who = (name) => ({ address: actor(name).address, key: privateKey(name) })
const STAKER = who('lender')
const WEEK = 604_800

describe('gage, as its stakers type it', () => {
  let node
  before(async () => {
    node = await startNode(['dev', '--ephemeral', '--no-live', '--block-time', '0.2'])
  })
  after(() => node?.stop())

  const { done, json, refused } = typing(() => node)

  test('help teaches', async () => {
    assert.match(await done(null, 'stake', '--help'), /burns stakes first/)
    assert.match(await done(null, 'stake', 'add', '--help'), /gage stake add USDC 1000/)
    assert.match(await done(STAKER, 'stake', 'list'), /None/)
  })

  test('a stake takes shares, lent on the way if asked', async () => {
    await refused(STAKER, 'stake add USDC 1000', /--deposit/)
    await refused(STAKER, 'stake add USDC max', /nothing is lent/)
    await refused(STAKER, 'stake add USDC 1 --deposit', /worth at least 100/)
    const added = await done(STAKER, 'stake', 'add', 'USDC', '1000', '--deposit')
    assert.match(added, /lent 1,000/)
    assert.match(added, /staked 1,000.* USDC on gUSDC's line to market 1/)
    assert.match(await done(STAKER, 'stake', 'list'), /gUSDC\s+1,000.* USDC\s+100\.00 %/)
    assert.match(await done(null, 'markets'), /staked/)
    const [market] = await json(null, 'markets')
    const line = market.lines.find((line) => line.symbol === 'gUSDC')
    assert.ok(Number(line.staked) > 999.9, line.staked)
  })

  test('a stake leaves after its notice', async () => {
    await refused(STAKER, 'stake withdraw USDC max', /NoticeNotGiven[^]*stake announce/)
    assert.match(await done(STAKER, 'stake', 'announce', 'USDC'), /may leave from .* to .* UTC/)
    await refused(STAKER, 'stake withdraw USDC max', /NoticeRunning.*opens at/)
    await passTime(node.url, WEEK)
    assert.match(await done(STAKER, 'stake', 'list'), /open until/)
    const part = await done(STAKER, 'stake', 'withdraw', 'USDC', '100')
    assert.match(part, /took back shares of gUSDC worth (100|99\.99)/)
    await refused(STAKER, 'stake withdraw USDC 850', /StakeTooSmall/)
    const told = await json(STAKER, 'stake', 'withdraw', 'USDC', 'max')
    assert.equal(told.worth, '0')
    await refused(STAKER, 'stake withdraw USDC max', /NoStake/)
  })

  test('nonsense is refused', async () => {
    await refused(STAKER, 'stake', /add/)
    await refused(STAKER, 'stake add USDC', /required/)
    await refused(STAKER, 'stake add GOLD 100', /GOLD/)
    await refused(STAKER, 'stake add USDC -5', /argument|amount/)
    await refused(STAKER, 'stake add USDC 100 --market 77 --deposit', /VaultNotListed|77/)
  })
})
