// What those who run nodes can do with `gage`, and what it says to broken files.

import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { eventually, rpc, startNode } from '../clients/devnode.mjs'
import { actor, wallet } from '../clients/world.mjs'
import { gage } from './command.mjs'

const RECEIVER = '0x00000000000000000000000000000000000000aa'

describe('gage, as its operators type it', () => {
  let folder
  before(() => (folder = mkdtempSync(join(tmpdir(), 'gage-cli-'))))
  after(() => rmSync(folder, { recursive: true, force: true }))

  const file = (name, text) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  async function refused(args, reason) {
    const { code, stdout, stderr } = await gage(args)
    assert.ok(code > 0, `gage ${args.join(' ')} ended with ${code}: ${stdout}`)
    assert.match(stderr, reason, `gage ${args.join(' ')}`)
    assert.doesNotMatch(stderr, /panicked|RUST_BACKTRACE/)
  }

  async function printed(...args) {
    const { code, stdout, stderr } = await gage(args)
    assert.equal(code, 0, stderr)
    return stdout
  }

  test('help and version are there', async () => {
    assert.match(await printed('--version'), /^gage \d+\.\d+\.\d+/)
    assert.match(await printed('--help'), /dev/)
    assert.match(await printed('dev', '--help'), /--ephemeral/)
  })

  test('abi writes JSON and Solidity', async () => {
    const out = join(folder, 'deep', 'abi')
    await printed('abi', '--out', out)
    const files = readdirSync(out)
    for (const name of [
      'IVault',
      'IMarket',
      'IOracle',
      'IRegistry',
      'IAsset',
      'IERC20Permit',
      'IGageErrors',
    ]) {
      assert.ok(files.includes(`${name}.json`), `${name}.json among ${files}`)
    }
    const solidity = files.find((name) => name.endsWith('.sol'))
    assert.match(readFileSync(join(out, solidity), 'utf8'), /interface IMarket/)
    await refused(['abi', '--out', file('occupied', '')], /occupied/)
  })

  test('a broken genesis is refused by name and place', async () => {
    const good = JSON.parse(await printed('genesis'))
    const config = file('gage.toml', configuration('broken', 0))
    const start = (genesis) => ['node', '--genesis', genesis, '--config', config]
    await refused(start(join(folder, 'absent.json')), /absent\.json/)
    await refused(
      start(file('half.json', JSON.stringify(good).slice(0, 80))),
      /half\.json|line|EOF/i,
    )
    await refused(start(file('text.json', 'hello')), /text\.json|expected/i)
    await refused(start(file('extra.json', JSON.stringify({ ...good, surprise: 1 }))), /surprise/)
    await refused(
      start(file('less.json', JSON.stringify({ ...good, protocol: undefined }))),
      /protocol/,
    )
    await refused(start(file('gas.json', JSON.stringify({ ...good, gasLimit: 1 }))), /gas/i)
    const negative = { ...good, timestamp: -5 }
    await refused(start(file('time.json', JSON.stringify(negative))), /timestamp|number|-5/)
    const nobody = { ...good, alloc: { nobody: { balance: '1' } } }
    await refused(start(file('alloc.json', JSON.stringify(nobody))), /alloc\.json.*line/)
  })

  test('a broken configuration is refused by name', async () => {
    const genesis = file('genesis.json', await printed('genesis'))
    const start = (config) => ['node', '--genesis', genesis, '--config', config]
    await refused(start(join(folder, 'absent.toml')), /absent\.toml/)
    await refused(start(file('text.toml', 'hello = = 5')), /text\.toml|TOML|expected/i)
    await refused(start(file('extra.toml', 'surprise = 1')), /surprise/)
    await refused(start(file('port.toml', '[rpc]\nport = 70000')), /70000|port|u16/)
    await refused(
      start(file('speed.toml', 'block_time = -1.0')),
      /block_time|block time|negative|seconds/i,
    )
  })

  test('a node runs from a genesis and a configuration, and ends when asked to', async () => {
    const genesis = file('genesis.json', await printed('genesis'))
    const config = file('run.toml', configuration('run', await freePort()))
    const node = await startNode(['node', '--genesis', genesis, '--config', config])
    assert.equal(
      Number(await rpc(node.url, 'eth_chainId')),
      JSON.parse(readFileSync(genesis)).chainId,
    )
    const born = Number(await rpc(node.url, 'eth_blockNumber'))
    await eventually(async () => Number(await rpc(node.url, 'eth_blockNumber')) > born)
    // No dev methods on a node that is not for development.
    await assert.rejects(rpc(node.url, 'evm_mine'), /-32601|not found/i)
    assert.equal((await node.stop()).code, 0)

    // Another genesis does not go with the same folder.
    const other = { ...JSON.parse(readFileSync(genesis)), chainId: 999 }
    await refused(
      ['node', '--genesis', file('other.json', JSON.stringify(other)), '--config', config],
      /genesis/i,
    )
  })

  test('a busy port is named', async () => {
    const server = createServer()
    const port = await new Promise((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve(server.address().port)),
    )
    await refused(
      ['dev', '--ephemeral', '--no-demo', '--no-metrics', '--port', String(port)],
      new RegExp(String(port)),
    )
    server.close()
  })

  test('after kill -9 the chain goes on at its last block', async () => {
    const home = join(folder, 'chain')
    const args = ['dev', '--data-dir', home, '--no-demo', '--block-time', '0.1']
    let node = await startNode(args)
    let sent = 0
    for (let round = 0; round < 3; round++) {
      const sender = await wallet(node.url, actor('lender'))
      for (let count = 0; count < 3; count++) {
        const hash = await sender.sendTransaction({ to: RECEIVER, value: 1n })
        await sender.waitForTransactionReceipt({ hash })
        sent += 1
      }
      const { number, hash } = await sender.getBlock()
      assert.equal((await node.stop('SIGKILL')).signal, 'SIGKILL')
      node = await startNode(args)
      const reader = await wallet(node.url, actor('lender'))
      assert.ok((await reader.getBlockNumber()) >= number)
      assert.equal((await reader.getBlock({ blockNumber: number })).hash, hash)
      assert.equal(await reader.getBalance({ address: RECEIVER }), BigInt(sent))
      assert.equal(await reader.getTransactionCount(reader.account), sent)
    }
    assert.equal((await node.stop()).code, 0)
    await printed('db', 'check', '--data-dir', home)
  })

  test('a second node does not open the same folder', async () => {
    const home = join(folder, 'locked')
    const node = await startNode(['dev', '--data-dir', home, '--no-demo'])
    await refused(
      ['dev', '--data-dir', home, '--no-demo', '--port', '0', '--no-metrics'],
      /locked|use|open/i,
    )
    assert.equal((await node.stop()).code, 0)
  })

  test('a corrupt database is refused', async () => {
    const home = join(folder, 'corrupt')
    const node = await startNode(['dev', '--data-dir', home, '--no-demo', '--block-time', '0.1'])
    await eventually(async () => Number(await rpc(node.url, 'eth_blockNumber')) > 5)
    await node.stop()
    const files = readdirSync(home, { recursive: true }).map((name) => join(home, name))
    const largest = files
      .filter((path) => statSync(path).isFile())
      .sort((a, b) => statSync(b).size - statSync(a).size)[0]
    const bytes = readFileSync(largest)
    writeFileSync(largest, bytes.fill(0x5a))
    await refused(
      ['dev', '--data-dir', home, '--no-demo', '--port', '0', '--no-metrics'],
      /database|corrupt|store|magic/i,
    )
    await refused(['db', 'check', '--data-dir', home], /database|corrupt|store|magic/i)

    const empty = join(folder, 'empty')
    mkdirSync(empty)
    await refused(['db', 'check', '--data-dir', empty], /empty|no chain|genesis/i)
  })

  test('a broken history is refused', async () => {
    await refused(
      ['dev', '--replay', 'no-such-history', '--ephemeral', '--port', '0'],
      /no-such-history/,
    )
    const bad = file('bad.csv', 'time,symbol\nyesterday,ETH\n')
    await refused(['dev', '--replay', bad, '--ephemeral', '--port', '0'], /bad\.csv|line|column/i)
    assert.match(await printed('history', 'list'), /2024-08/)
  })

  const configuration = (name, port) =>
    `data_dir = ${JSON.stringify(join(folder, name))}\nblock_time = 0.2\n` +
    `[rpc]\nport = ${port}\n[metrics]\nenabled = false\n`
})

async function freePort() {
  const server = createServer()
  const port = await new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve(server.address().port)),
  )
  await new Promise((resolve) => server.close(resolve))
  return port
}
