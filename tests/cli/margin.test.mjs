// Portfolio margin, as a market's owner sets it and its borrowers see it.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startNode } from '../clients/devnode.mjs'
import { actor, privateKey } from '../clients/world.mjs'
import { typing } from './command.mjs'

const who = (name) => ({ address: actor(name).address, key: privateKey(name) })
const BORROWER = who('borrower')
const OWNER = who('governance')

const SET = `
k_borrow = 4.0
k_liquidation = 3.0
floor = 0.02
ramp_seconds = 86400

[[factors]]
asset = "SOL"
sigma = 0.06
cost = 0.02

[[factors]]
asset = "USDC"
sigma = 0.001
correlations = [0.05]
`

describe('gage market margin, as it is typed', () => {
  let node
  const folder = mkdtempSync(join(tmpdir(), 'gage-margin-'))
  const file = (name, text) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  before(async () => {
    node = await startNode(['dev', '--ephemeral', '--no-live', '--block-time', '0.2'])
  })
  after(async () => {
    await node?.stop()
    rmSync(folder, { recursive: true })
  })

  const { done, json, refused } = typing(() => node)
  const market = ['--market', '2']

  test('a market begins with thresholds', async () => {
    assert.match(await done(null, 'market', 'margin', 'show', ...market), /thresholds/)
    assert.match(await done(null, 'market', 'margin', 'set', '--help'), /k_liquidation = 3\.0/)
  })

  test('the set of a file is shown, and what it asks is explained', async () => {
    await done(BORROWER, 'supply', 'SOL', '100', ...market)
    await done(BORROWER, 'borrow', 'USDC', '2000', ...market)
    await done(OWNER, 'market', 'margin', 'set', file('margin.toml', SET), ...market)
    const shown = await done(null, 'market', 'margin', 'show', ...market)
    assert.match(shown, /SOL/)
    const state = await json(null, 'market', 'margin', 'show', ...market)
    assert.ok(JSON.stringify(state).includes('SOL'), JSON.stringify(state))
    assert.match(await done(BORROWER, 'explain', ...market), /equity must cover/)
  })

  test('strangers, nonsense and haste are refused', async () => {
    const path = join(folder, 'margin.toml')
    await refused(BORROWER, `market margin set ${path} --market 2`, /NotAuthorised/)
    await refused(OWNER, `market margin set ${path} --market 2`, /MarginRampRunning/)
    await refused(OWNER, `market margin set ${join(folder, 'none.toml')}`, /none\.toml/)
    await refused(OWNER, `market margin set ${file('bad.toml', 'k_borrow = "much"')}`, /k_borrow/)
    const impossible = SET.replace('"SOL"', '"WETH"').replace('[0.05]', '[1.5]')
    await refused(OWNER, `market margin set ${file('far.toml', impossible)}`, /correlation/)
    const beans = file('beans.toml', SET.replace('"SOL"', '"BEANS"'))
    await refused(OWNER, `market margin set ${beans}`, /BEANS/)
    await refused(null, 'market margin show --market 77', /77|UnknownMarket/)
  })
})
