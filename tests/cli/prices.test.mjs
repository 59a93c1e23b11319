// Where prices come from and what is told of them, as it is typed: feeds, alerts, other oracles' messages, replays.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { actingIn } from '../clients/acting.mjs'
import { binary, eventually, startNode } from '../clients/devnode.mjs'
import { ORACLE, REGISTRY, abi, actor, privateKey, terms, wallet } from '../clients/world.mjs'
import { typing } from './command.mjs'

const OWNER = { address: actor('governance').address, key: privateKey('governance') }
const PUBLISHER = { address: actor('publisher').address, key: privateKey('publisher') }
const YEARS = 20 * 31_536_000
const REDSTONE = 3
/** A text as a word. */
const word = (text) => `0x${Buffer.from(text).toString('hex').padEnd(64, '0')}`
const recorded = JSON.parse(
  readFileSync(new URL('../../crates/oracle/tests/messages.json', import.meta.url), 'utf8'),
).messages.find(({ id }) => id === 'redstone_eth_btc_1744829560000')

describe('prices, as they are typed', () => {
  let node, owner, calls
  const folder = mkdtempSync(join(tmpdir(), 'gage-prices-'))
  before(async () => {
    node = await startNode(['dev', '--ephemeral', '--no-live', '--block-time', '0.2'])
    owner = await wallet(node.url, actor('governance'))
    calls = actingIn({}, owner)
    calls.at.oracle = () => ({ address: ORACLE, abi: abi().oracle })
    calls.at.registry = () => ({ address: REGISTRY, abi: abi().registry })
  })
  after(() => {
    rmSync(folder, { recursive: true })
    return node?.stop()
  })

  const { done, json, refused } = typing(() => node)
  const file = (name, text) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const feed = async (name) => (await json(null, 'feeds')).find(({ description }) => description === name)

  test('feeds say what they are worth, and who said it', async () => {
    assert.match(await done(null, 'feeds'), /WETH \/ USD.*live/)
    assert.match(await done(null, 'feeds', 'WETH'), new RegExp(PUBLISHER.address.slice(2, 10), 'i'))
    await refused(null, 'feeds NOSUCH', /NOSUCH/)
    await refused(null, 'feeds 4294967296', /4294967296/)
    await refused(null, 'feeds --webhook http://127.0.0.1:1', /--watch/)
    await refused(null, 'feeds --watch --every 0', /every/)
  })

  test('a change of status is told, by line and by webhook', async () => {
    const heard = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += chunk))
      request.on('end', () => {
        heard.push(JSON.parse(body))
        response.end()
      })
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    const hook = `http://127.0.0.1:${server.address().port}/`
    const args = ['feeds', '--watch', '--webhook', hook, '--every', '1', '--rpc-url', node.url]
    const watching = spawn(binary(), args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    watching.stdout.on('data', (chunk) => (printed += chunk))
    try {
      await done(OWNER, 'feed', 'freeze', 'AAVE', '--for', '1h')
      const told = await eventually(() => heard.find(({ status }) => status === 'frozen'))
      assert.equal(told.before, 'live')
      assert.match(told.description, /AAVE/)
      assert.ok(told.blocks.length > 0)
      await done(OWNER, 'feed', 'unfreeze', 'AAVE')
      await eventually(() => heard.find(({ before }) => before === 'frozen'))
      await eventually(() => /AAVE.* is live, was frozen/.test(printed))
    } finally {
      watching.kill('SIGTERM')
      server.close()
    }
  })

  test("another oracle's message is a price once its signers are known", async () => {
    const packages = recorded.expect.packages
    const signers = [...new Set(packages.map(({ signer }) => signer))]
    const key = word('ETH')
    const weth = await calls.read('registry', 'assetAt', 1)
    const named = [weth, 'ETH by RedStone', { ...terms(YEARS), priceMax: 10n ** 24n }]
    const { result: id } = await calls.act(owner, 'oracle', 'createFeed', named)
    const source = { kind: REDSTONE, key, weight: 1, maxAge: YEARS }
    await calls.act(owner, 'oracle', 'setSource', [id, source])
    const data = recorded.hex.replace(/^0x/, '')
    const message = file('message.hex', `0x${data}\n`)
    const price = async () => (await feed('ETH by RedStone')).price

    await refused(null, `message redstone ${id} --file ${message}`, /UnknownSigners/)
    const service = word('redstone-primary-prod')
    await calls.act(owner, 'oracle', 'setSigners', [REDSTONE, service, signers, 3, 0n])
    const last = data.length - 200
    const forged = data.slice(0, last) + (data[last] === '0' ? '1' : '0') + data.slice(last + 1)
    await refused(null, `message redstone ${id} --data 0x${forged}`, /sign/)
    assert.equal(Number((await price()).formatted), 0)
    await done(null, 'message', 'redstone', String(id), '--file', message)
    await eventually(async () => Number((await price()).formatted) > 0)
    // The median of five signers (see the fixture).
    assert.equal(Number((await price()).formatted), 1565.3760866)
  })

  test('a message that is none is refused at once', async () => {
    await refused(null, 'message redstone 1', /--data|--file/)
    await refused(null, 'message redstone 1 --data 0xzz', /hex/)
    await refused(null, 'message redstone --data 0x00', /FEEDS/)
    await refused(null, 'message band 1 --data 0x00', /band/)
    await refused(null, `message redstone 1 --file ${join(folder, 'nothing')}`, /nothing/)
    const large = file('large.hex', '00'.repeat(16 * 1024 + 1))
    await refused(null, `message redstone 1 --file ${large}`, /16,?384|large|long/)
  })

  test('a recorded path is replayed to a running node', async () => {
    const path = file('path.csv', 'ts,asset,open,high,low,close\n1700000000,ETH,3000,3100,2800,2900\n')
    const said = await done(PUBLISHER, 'replay', path, '--speed', 'max')
    assert.match(said, /4 steps: 4 reports taken, 0 refused/)
    await eventually(async () => (await feed('WETH / USD')).price.formatted.startsWith('2900'))
    await refused(PUBLISHER, `replay ${join(folder, 'nothing.csv')}`, /nothing.csv/)
    await refused(PUBLISHER, `replay ${path} --feed BTC=1`, /no asset BTC/)
    await refused(PUBLISHER, `replay ${path} --lie z=-30`, /no source is called `z`/)
    await refused(null, `replay ${path}`, /GAGE_PRIVATE_KEY/)
    const nonsense = file('nonsense.csv', 'ts,asset,open,high,low,close\n1,ETH,x,1,1,1\n')
    await refused(PUBLISHER, `replay ${nonsense}`, /line 2: open/)
    const source = { address: OWNER.address, key: OWNER.key }
    await refused(source, `replay ${path} --speed max`, /no report was taken/)
  })
})
