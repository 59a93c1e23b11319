// What backs a vault's debt, and caps on it, as typed.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startNode } from '../clients/devnode.mjs'
import { actor, privateKey } from '../clients/world.mjs'
import { typing } from './command.mjs'

const who = (name) => ({ address: actor(name).address, key: privateKey(name) })
const BORROWER = who('borrower')
const GOVERNANCE = who('governance')
const BRIDGE = 'Example bridge'

describe('gage, as risk is capped with it', () => {
  let node
  before(async () => {
    node = await startNode(['dev', '--ephemeral', '--no-live', '--block-time', '0.2'])
  })
  after(() => node?.stop())

  const { done, json, refused } = typing(() => node)
  const isolated = ['--market', '2']

  test('help teaches', async () => {
    assert.match(await done(null, 'exposure', '--help'), /best first/)
    assert.match(await done(null, 'factor', '--help'), /gage factor cap USDC/)
    assert.match(await done(null, 'factor', 'list'), /No factors/)
    assert.match(await done(null, 'exposure', 'USDC'), /No caps and no factors/)
  })

  test('governance says what assets share, a curator caps it', async () => {
    await refused(GOVERNANCE, 'factor tag SOL 1', /no factor yet/)
    assert.match(await done(GOVERNANCE, 'factor', 'add', 'bridge', BRIDGE), /is factor 1/)
    assert.match(await done(GOVERNANCE, 'factor', 'tag', 'SOL', BRIDGE), /SOL has bridge/)
    assert.match(await done(null, 'factor', 'list'), /bridge\s+Example bridge\s+SOL/)
    const cap = await done(GOVERNANCE, 'factor', 'cap', 'USDC', BRIDGE, '2500')
    assert.match(cap, /gUSDC against bridge Example bridge: at most 2,500.* USDC/)
    await done(GOVERNANCE, 'factor', 'ceiling', 'USDC', 'SOL', '3000', ...isolated)
    for (const command of [
      `factor add issuer Mint`,
      'factor tag SOL 1',
      'factor untag SOL bridge',
      'factor cap USDC 1 5',
      'factor ceiling USDC SOL 5 --market 2',
    ]) {
      await refused(BORROWER, command, /NotAuthorised/)
    }
  })

  test('a cap holds, a view shows it, repaying makes room', async () => {
    await done(BORROWER, 'supply', 'SOL', '100', ...isolated)
    await done(BORROWER, 'borrow', 'USDC', '2000', ...isolated)
    await refused(BORROWER, 'borrow USDC 501 --market 2', /FactorCapExceeded[^]*gage exposure/)
    const shown = await done(null, 'exposure', 'USDC')
    assert.match(shown, /bridge Example bridge\s+SOL\s+2,000.*2,500.*█+░+/)
    assert.match(shown, /line to market 2\s+SOL\s+2,000.*3,000/)
    const [told] = await json(null, 'exposure', 'USDC')
    assert.equal(told.factors[0].factor.label, BRIDGE)
    assert.equal(told.factors[0].untracked.raw, '0')
    await done(BORROWER, 'repay', 'USDC', '1000', ...isolated)
    await done(BORROWER, 'borrow', 'USDC', '1400', ...isolated)
    // A lower cap stops growth, and repaying all goes on.
    await done(GOVERNANCE, 'factor', 'cap', 'USDC', '1', '0')
    await refused(BORROWER, 'borrow USDC 1 --market 2', /FactorCapExceeded/)
    await done(BORROWER, 'repay', 'USDC', 'all', ...isolated)
    await done(BORROWER, 'withdraw', 'SOL', 'max', ...isolated)
    assert.match(await done(GOVERNANCE, 'factor', 'cap', 'USDC', '1', 'none'), /no cap/)
    assert.match(await done(GOVERNANCE, 'factor', 'untag', 'SOL', 'bridge'), /no bridge any more/)
  })

  test('nonsense is refused', async () => {
    await refused(GOVERNANCE, 'factor add colour Red', /colour/)
    await refused(GOVERNANCE, 'factor tag GOLD 1', /GOLD/)
    await refused(GOVERNANCE, 'factor tag SOL 7', /no factor is called `7`/)
    await refused(GOVERNANCE, 'factor cap USDC 1 max', /none/)
    await refused(GOVERNANCE, 'factor cap USDC 1 -5', /argument|amount/)
    await refused(GOVERNANCE, 'factor ceiling USDC SOL 5 --market 77', /NotListed|77/)
    await refused(null, 'exposure GOLD', /GOLD/)
  })
})
