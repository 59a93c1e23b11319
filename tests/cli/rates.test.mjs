// Interest rates, as typed: a vault's curve, and models along a recorded path without a node.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startNode } from '../clients/devnode.mjs'
import { gage, typing } from './command.mjs'

describe('gage rates', () => {
  let node
  let folder
  before(async () => {
    node = await startNode(['dev', '--ephemeral', '--no-live', '--block-time', '0.2'])
    folder = await mkdtemp(join(tmpdir(), 'gage-rates-'))
  })
  after(async () => {
    await node?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const { done, json, refused } = typing(() => node)

  test('help teaches', async () => {
    assert.match(await done(null, 'rates', '--help'), /kinked:BASE,SLOPE1,SLOPE2,KINK/)
  })

  test("a vault's curve is drawn, and told as JSON", async () => {
    const drawn = await done(null, 'rates', 'USDC')
    assert.match(drawn, /gUSDC lends USDC[^]*borrow rate[^]*● now[^]*borrow APY/)
    assert.match(drawn, /stays as it is until the curator changes it/)
    assert.match(await done(null, 'rates', 'gdai'), /drifts: at this utilisation .* in a day/)
    const told = await json(null, 'rates', 'DAI')
    assert.equal(told.bend.formatted, '90 %')
    assert.equal(told.curve.length, 21)
  })

  test('models run along a path, without a node', async () => {
    const path = join(folder, 'path.csv')
    await writeFile(path, 'ts,utilisation\n0,0.45\n3600,1\n7200,0.9\n')
    const [plot, table] = [join(folder, 'plot.svg'), join(folder, 'table.csv')]
    const words = ['--model', 'kinked:0,5.5,60,90', '--model', 'adaptive:4', '--path', path]
    const run = await gage(['rates', ...words, '--plot', plot, '--csv', table, '--json'])
    assert.equal(run.code, 0, run.stderr)
    const [kinked] = JSON.parse(run.stdout)
    assert.ok(Math.abs(kinked.meanBorrowRate - (2.75 + 65.5 + 5.5) / 3) < 1e-6)
    assert.match(await readFile(plot, 'utf8'), /^<svg[^]*rate at target[^]*<\/svg>\n$/)
    const rows = (await readFile(table, 'utf8')).trim().split('\n')
    assert.match(rows[2], /^3600,1\.000000,65\.500000,58\.950000,/)
    const recorded = await gage(['rates'])
    assert.match(recorded.stdout, /Utilisation[^]*Kinked[^]*Adaptive[^]*a debt grew by/)
  })

  test('nonsense is refused', async () => {
    await refused(null, 'rates GOLD', /GOLD.*gUSDC/)
    await refused(null, 'rates --model cubic:4', /kinked:BASE/)
    await refused(null, 'rates --model adaptive:500', /rate at target/)
    await refused(null, 'rates USDC --path 2024-08', /cannot be used/)
    await refused(null, `rates --path ${join(folder, 'none.csv')}`, /recorded path/)
    await writeFile(join(folder, 'bad.csv'), 'ts,utilisation\n0,0.45\n3600,2\n')
    await refused(null, `rates --path ${join(folder, 'bad.csv')}`, /line 3/)
    await refused(null, `rates --plot ${join(folder, 'no', 'plot.svg')}`, /writing/)
  })
})
