// Kept terms, moves and groups, as typed.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { passTime, startNode } from '../clients/devnode.mjs'
import { actor, privateKey } from '../clients/world.mjs'
import { typing } from './command.mjs'

const who = (name) => ({ address: actor(name).address, key: privateKey(name) })
const BORROWER = who('borrower')
const OWNER = who('governance')
const DAY = 86_400

describe('gage, as market owners and borrowers type its terms', () => {
  let node
  before(async () => {
    node = await startNode(['dev', '--ephemeral', '--no-live', '--block-time', '0.2'])
  })
  after(() => node?.stop())

  const { done, json, refused } = typing(() => node)

  test('help teaches', async () => {
    assert.match(await done(null, 'terms', '--help'), /until it takes new risk/)
    assert.match(await done(null, 'group', '--help'), /gage group enter 1/)
    assert.match(await done(null, 'group', 'list'), /None in market 1/)
    assert.match(await done(null, 'terms', 'show'), /everybody is on these terms/)
  })

  test('an account keeps its terms until a move', async () => {
    await done(BORROWER, 'supply', 'WETH', '2')
    await done(BORROWER, 'borrow', 'USDC', '500')
    assert.match(await done(BORROWER, 'explain'), /Terms\s+the newest/)
    const { collaterals } = (await json(null, 'markets'))[0]
    const { thresholdBps } = collaterals.find(({ symbol }) => symbol === 'WETH')
    await refused(BORROWER, 'terms set WETH --ltv 40 --threshold 50', /NotAuthorised/)
    await refused(OWNER, 'terms move WETH --in 1d --over 2d', /NothingToMove/)
    const set = await done(OWNER, 'terms', 'set', 'WETH', '--ltv', '40', '--threshold', '50')
    assert.match(set, /threshold of 50 %.*version 2/)
    assert.match(await done(BORROWER, 'explain'), /Terms\s+kept; new risk would be on .* 50 %/)
    const shown = await json(null, 'terms', 'show')
    const weth = shown.terms.find(({ symbol }) => symbol === 'WETH')
    assert.equal(weth.kept.terms[0].thresholdBps, thresholdBps)
    await refused(OWNER, 'terms move WETH --in 0d --over 2d', /start of a move/)
    const moved = await done(OWNER, 'terms', 'move', 'WETH', '--in', '1d', '--over', '2d')
    assert.match(moved, /go to the newest ones from .* to .* UTC/)
    await refused(OWNER, 'terms move WETH --in 1d --over 2d', /MoveNotOver/)
    assert.match(await done(BORROWER, 'explain'), /kept; they go to a threshold of 50 % until/)
    await passTime(node.url, 4 * DAY)
    assert.match(await done(BORROWER, 'explain'), /Terms\s+the newest/)
  })

  test('a group is created, entered and left', async () => {
    const create =
      'group create Ether --ltv 88 --threshold 92 --bonus-min 1 --bonus-max 2 --band 1.5'
    await refused(BORROWER, `${create} --collateral WETH --vault USDC`, /NotAuthorised/)
    await refused(OWNER, `${create} --band 30 --collateral WETH`, /cannot be used multiple|band/)
    const created = await done(
      OWNER,
      ...create.split(' '),
      '--collateral',
      'WETH',
      '--vault',
      'USDC',
    )
    assert.match(created, /group 1 of market 1 is Ether/)
    assert.match(await done(null, 'group', 'list'), /Ether\s+88 %\s+92 %.*WETH\s+gUSDC/)
    await refused(BORROWER, 'group leave', /SameGroup/)
    await refused(BORROWER, 'group enter 2', /UnknownGroup/)
    await done(BORROWER, 'repay', 'USDC', 'all')
    assert.match(await done(BORROWER, 'group', 'enter', '1'), /is in group 1; no debt/)
    assert.match(await done(BORROWER, 'explain'), /in group 1/)
    await refused(OWNER, 'group add 1', /who joins/)
    await refused(OWNER, 'group add 1 --collateral WETH', /AlreadyListed/)
    assert.match(await done(BORROWER, 'group', 'leave'), /in no group/)
    assert.equal((await json(null, 'group', 'list'))[0].thresholdBps, 9_200)
  })
})
