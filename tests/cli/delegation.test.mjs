// Operators, delegated credit and moved accounts, as typed.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startNode } from '../clients/devnode.mjs'
import { actor, privateKey } from '../clients/world.mjs'
import { typing } from './command.mjs'

const who = (name) => ({ address: actor(name).address, key: privateKey(name) })
const [OWNER, FRIEND, OTHER] = ['lender', 'borrower', 'liquidator'].map(who)

describe('gage, as owners and those they trust type it', () => {
  let node, folder
  before(async () => {
    node = await startNode(['dev', '--ephemeral', '--no-live', '--block-time', '0.2'])
    folder = mkdtempSync(join(tmpdir(), 'gage-delegation-'))
  })
  after(() => {
    if (folder) rmSync(folder, { recursive: true })
    return node?.stop()
  })

  const { done, json, refused } = typing(() => node)

  test('help teaches', async () => {
    assert.match(await done(null, 'operator', '--help'), /never where the operator likes/)
    assert.match(await done(null, 'credit', '--help'), /Every draw lowers the limit/)
    assert.match(await done(null, 'rehome', '--help'), /Everything moves or nothing does/)
    assert.match(await done(OWNER, 'operator', 'list'), /None/)
    assert.match(await done(OWNER, 'credit', 'list'), /None/)
  })

  test('an operator borrows for the owner, until it is stopped', async () => {
    await done(OWNER, 'supply', 'WETH', '2')
    await refused(FRIEND, `borrow USDC 500 --owner ${OWNER.address}`, /NotPermitted[^]*operator list/)
    const set = await done(OWNER, 'operator', 'set', FRIEND.address, '--allow', 'borrow', '--until', '30d')
    assert.match(set, /may borrow on account 0 in market 1 until .* goes to you/)
    const before = await json(OWNER, 'account')
    const drawn = await done(FRIEND, 'borrow', 'USDC', '500', '--owner', OWNER.address)
    assert.match(drawn, /borrowed 500.* USDC; health/)
    const usdc = (told) => Number(told.holds.find(({ token }) => token === 'USDC')?.amount ?? 0)
    assert.equal(usdc(await json(OWNER, 'account')), usdc(before) + 500)
    await refused(FRIEND, `withdraw WETH 0.1 --owner ${OWNER.address}`, /NotPermitted/)
    assert.match(await done(OWNER, 'operator', 'list'), /borrow\s+.*the owner/)
    assert.match(await done(OWNER, 'operator', 'revoke', FRIEND.address), /may do nothing/)
    await refused(FRIEND, `borrow USDC 500 --owner ${OWNER.address}`, /NotPermitted/)
    assert.match(await done(OWNER, 'operator', 'list'), /None/)
  })

  test('credit is delegated, drawn, and ends', async () => {
    const given = await done(OWNER, 'credit', 'delegate', FRIEND.address, 'USDC', '300', '--until', '30d')
    assert.match(given, /may draw 300.* USDC from gUSDC/)
    const drawn = await done(FRIEND, 'credit', 'draw', OWNER.address, 'USDC', '120')
    assert.match(drawn, /drew 120.* USDC, paid to 0x70997970.*180.* USDC may still be drawn; health/)
    await refused(FRIEND, `credit draw ${OWNER.address} USDC 181`, /InsufficientCredit/)
    const [credit] = (await json(OWNER, 'credit', 'list')).credits
    assert.equal(credit.limit.formatted, '180')
    await done(FRIEND, 'credit', 'draw', OWNER.address, 'USDC', 'max')
    assert.match(await done(OWNER, 'credit', 'list'), /None/)
    await refused(FRIEND, `credit draw ${OWNER.address} USDC max`, /InsufficientCredit/)
  })

  test('a delegation is signed by one and handed in by another, once', async () => {
    const sign = ['credit', 'sign', FRIEND.address, 'USDC', '200', '--until', '30d']
    const file = join(folder, 'credit.json')
    writeFileSync(file, await done(OWNER, ...sign))
    const signed = JSON.parse(readFileSync(file, 'utf8'))
    const forged = join(folder, 'forged.json')
    writeFileSync(forged, JSON.stringify({ ...signed, delegatee: OTHER.address }))
    await refused(OTHER, `credit submit ${forged}`, /InvalidSigner[^]*not the owner's over exactly these/)
    writeFileSync(forged, JSON.stringify({ ...signed, chainId: 1 }))
    await refused(OTHER, `credit submit ${forged}`, /signed for chain 1/)
    assert.match(await done(OTHER, 'credit', 'submit', file), /may draw on .* account 0 in market 1/)
    await refused(OTHER, `credit submit ${file}`, /InvalidSigner/)
    await done(FRIEND, 'credit', 'draw', OWNER.address, 'USDC', '200')
    // One that was signed and not handed in is void on demand.
    writeFileSync(file, await done(OWNER, ...sign))
    assert.match(await done(OWNER, 'credit', 'void'), /are void/)
    await refused(OTHER, `credit submit ${file}`, /InvalidSigner/)
    await refused(OTHER, `credit submit ${join(folder, 'none.json')}`, /cannot read/)
    writeFileSync(file, '{}')
    await refused(OTHER, `credit submit ${file}`, /no signed delegation/)
  })

  test('an account moves, after a look at how it would stand', async () => {
    const preview = await done(OWNER, 'rehome', '--to-market', '1', '--to-sub', '3', '--preview')
    assert.match(preview, /gUSDC\s+1,000.* USDC/)
    assert.match(preview, /Nothing stands in the way/)
    await refused(OWNER, 'rehome --to-market 1 --preview', /NothingToRehome/)
    await refused(OWNER, 'rehome --to-market 2', /CollateralNotListed/)
    await refused(OWNER, 'rehome --to-market 1 --to-sub 3 --vault gUSDC=gDAI', /AssetsDiffer/)
    await refused(FRIEND, `rehome --to-market 1 --to-sub 3 --owner ${OWNER.address}`, /NotPermitted/)
    const moved = await done(OWNER, 'rehome', '--to-market', '1', '--to-sub', '3')
    assert.match(moved, /moved account 0 of market 1 to account 3 of market 1; health \d/)
    const told = await json(OWNER, 'rehome', '--to-market', '1', '--sub', '3')
    assert.deepEqual([told.market, told.sub], [1, 0])
  })

  test('nonsense is refused', async () => {
    await refused(OWNER, `operator set ${FRIEND.address} --allow all --until 30d`, /release/)
    await refused(OWNER, `operator set ${FRIEND.address} --allow borrow --until soon`, /30d/)
    await refused(OWNER, `operator set ${FRIEND.address} --allow borrow --until 2020-01-01`, /expiry/)
    await refused(OWNER, `credit delegate ${FRIEND.address} USDC max --until 30d`, /how much/)
    await refused(OWNER, `credit delegate ${FRIEND.address} GOLD 1 --until 30d`, /GOLD/)
    await refused(OWNER, 'credit void --next 0', /nonce/)
    await refused(OWNER, 'rehome --to-market 77', /UnknownMarket|77/)
  })
})
