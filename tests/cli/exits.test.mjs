// The exit queue, as typed.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startNode } from '../clients/devnode.mjs'
import { actor, privateKey } from '../clients/world.mjs'
import { typing } from './command.mjs'

const who = (name) => ({ address: actor(name).address, key: privateKey(name) })
const LENDER = who('lender')

describe('gage, as leaving lenders type it', () => {
  let node
  before(async () => {
    node = await startNode(['dev', '--ephemeral', '--no-live', '--block-time', '0.2'])
  })
  after(() => node?.stop())

  const { done, json, refused } = typing(() => node)

  test('help teaches', async () => {
    assert.match(await done(null, 'exit', '--help'), /first come, first served/)
    assert.match(await done(null, 'exit', 'request', '--help'), /gage exit request USDC max/)
    assert.match(await done(LENDER, 'exit', 'list'), /None/)
  })

  test('shares are queued, filled from what cash there is, and claimed', async () => {
    await refused(LENDER, 'exit request USDC max', /nothing is lent/)
    await done(LENDER, 'deposit', 'USDC', '1000')
    const asked = await done(LENDER, 'exit', 'request', 'USDC', '400')
    assert.match(asked, /place 1 in gUSDC's exit queue: 0.* USDC wait, 0.* ahead; (400|399\.9)/)
    const told = await json(LENDER, 'exit', 'request', 'USDC', 'max')
    assert.equal(told.place, '2')
    assert.ok(Number(told.claimable) > 599.9, told.claimable)
    assert.match(await done(LENDER, 'exit', 'list'), /gUSDC\s+1\s+0/)
    assert.match(await done(LENDER, 'exit', 'claim', 'USDC', '1'), /claimed .* USDC for place 1/)
    await refused(LENDER, 'exit claim USDC 1', /ERC721NonexistentToken[^]*exit list/)
    const [claimed] = await json(LENDER, 'exit', 'claim')
    assert.ok(Number(claimed.assets) > 599.9, claimed.assets)
    await refused(LENDER, 'exit claim', /nothing is set aside/)
    const vaults = await json(null, 'vaults')
    assert.equal(vaults.find((vault) => vault.symbol === 'gUSDC').exitsWaiting, '0')
  })

  test('nonsense is refused', async () => {
    await refused(LENDER, 'exit', /request/)
    await refused(LENDER, 'exit request USDC', /required/)
    await refused(LENDER, 'exit request GOLD 100', /GOLD/)
    await refused(LENDER, 'exit claim USDC 77', /ERC721NonexistentToken/)
    await refused(LENDER, 'exit claim USDC', /required/)
  })
})
