// The borrower's story through Foundry's `cast`, one process per command, no shell.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { eventually, passTime, startNode } from './devnode.mjs'
import {
  MARKET,
  ORACLE,
  actor,
  buildWorld,
  oracleDomain,
  privateKey,
  signatureParts,
  signedReport,
  story,
} from './world.mjs'

const { units, wads, seconds, types } = story
const SUB = '0'
const MAX = String(2n ** 256n - 1n)
// The platform's binary itself: the package's wrapper loses the exit code.
const MACHINE = `${process.platform}-${{ x64: 'amd64', arm64: 'arm64' }[process.arch]}`
const CAST = createRequire(import.meta.url).resolve(`@foundry-rs/cast-${MACHINE}/bin/cast`)
const COMMAND_MILLISECONDS_MAX = 60_000
const BORROW = 'borrow(uint32,uint32,address,uint256,address)'
const LIQUIDATED =
  'Liquidated(uint32 indexed,address indexed,address indexed,uint32,address,address,' +
  'uint256,uint256,uint256,uint16)'
const BORROWED =
  'Borrowed(uint32 indexed market,address indexed owner,address indexed vault,uint32 sub,' +
  'address receiver,uint256 amount)'

// Nothing of the caller's own Foundry configuration.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(ETH_|FOUNDRY_|CHAIN$)/.test(name)),
)
environment.FOUNDRY_DISABLE_NIGHTLY_WARNING = '1'

describe("cast: the borrower's story", () => {
  let node, world
  const who = (name) => actor(name).address
  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
  })
  after(() => node?.stop())

  async function cast(...args) {
    const { stdout } = await promisify(execFile)(CAST, args.map(String), {
      env: environment,
      timeout: COMMAND_MILLISECONDS_MAX,
      cwd: '/',
    })
    return stdout.trim()
  }
  const onChain = (command, ...args) => cast(command, '--rpc-url', node.url, ...args)
  const call = (to, signature, ...args) => onChain('call', to, signature, ...args)
  /** A view's number, without cast's "[1e18]" beside it. */
  const number = async (...args) => BigInt((await call(...args)).split(/\s/)[0])
  const balance = (token, name) => number(token, 'balanceOf(address)(uint256)', who(name))
  const debt = () =>
    number(
      MARKET,
      'debtOf(uint32,address,uint32,address)(uint256)',
      world.market,
      who('borrower'),
      SUB,
      world.vault,
    )

  async function send(name, to, signature, ...args) {
    const json = await onChain(
      'send',
      '--json',
      '--private-key',
      privateKey(name),
      to,
      signature,
      ...args,
    )
    const receipt = JSON.parse(json)
    assert.equal(receipt.status, '0x1', signature)
    return receipt
  }

  /** The revert data that cast shows when it refuses to send. */
  async function refusal(name, to, signature, ...args) {
    try {
      await onChain('estimate', '--from', who(name), to, signature, ...args)
    } catch (error) {
      const [, data] = error.stderr.match(/data: "(0x[0-9a-f]+)"/) ?? []
      assert.ok(data, error.stderr)
      return { data, said: error.stderr }
    }
    assert.fail(`${signature} was not refused`)
  }

  const sign = (name, typed) =>
    cast('wallet', 'sign', '--private-key', privateKey(name), '--data', JSON.stringify(typed))

  const domainFields = [
    { name: 'name', type: 'string' },
    { name: 'version', type: 'string' },
    { name: 'chainId', type: 'uint256' },
    { name: 'verifyingContract', type: 'address' },
  ]
  const typedData = (primaryType, domain, message) => ({
    types: { EIP712Domain: domainFields, [primaryType]: types[primaryType] },
    primaryType,
    domain,
    message,
  })

  async function report(feed, price) {
    const state = JSON.parse(
      await call(
        ORACLE,
        'feedState(uint32)((address,address,string,uint256,uint256,uint64,uint32))',
        feed,
        '--json',
      ),
    )
    const round = state[0][6] + 1
    const time = Number(await onChain('block', 'latest', '--field', 'timestamp'))
    const message = { feed, round, time, price: String(price), confidence: '0' }
    const domain = oracleDomain(Number(await onChain('chain-id')))
    const signature = await sign('publisher', typedData('PriceReport', domain, message))
    await onChain('rpc', 'gage_submitReports', JSON.stringify([signedReport(message, signature)]))
    await onChain('rpc', 'evm_mine')
  }

  test('the node answers', async () => {
    assert.match(await onChain('client'), /gage/i)
    assert.equal(await onChain('balance', who('borrower')), String(10_000n * 10n ** 18n))
    assert.ok(BigInt(await onChain('gas-price')) > 0n)
    assert.ok(BigInt(await onChain('base-fee')) > 0n)
    assert.ok(Number(await onChain('block-number')) > 0)
    assert.equal(await call(world.usd, 'symbol()(string)'), '"USDX"')
  })

  test('a permit is signed, relayed, seen and spent', async () => {
    const domain = {
      name: JSON.parse(await call(world.usd, 'name()(string)')),
      version: '1',
      chainId: Number(await onChain('chain-id')),
      verifyingContract: world.usd,
    }
    const nonce = await number(world.usd, 'nonces(address)(uint256)', who('lender'))
    const deadline = Number(await onChain('block', 'latest', '--field', 'timestamp')) + 3600
    const message = {
      owner: who('lender'),
      spender: who('spender'),
      value: String(units.permitted),
      nonce: String(nonce),
      deadline,
    }
    const { v, r, s } = signatureParts(await sign('lender', typedData('Permit', domain, message)))
    await send(
      'spender',
      world.usd,
      'permit(address,address,uint256,uint256,uint8,bytes32,bytes32)',
      ...[who('lender'), who('spender'), units.permitted, deadline, v, r, s],
    )
    const allowance = () =>
      number(world.usd, 'allowance(address,address)(uint256)', who('lender'), who('spender'))
    assert.equal(await allowance(), units.permitted)
    await send(
      'spender',
      world.usd,
      'transferFrom(address,address,uint256)',
      ...[who('lender'), who('spender'), units.spent],
    )
    assert.equal(await allowance(), units.permitted - units.spent)
    assert.equal(await balance(world.usd, 'spender'), units.spent)
  })

  test('the lender deposits, the borrower pledges and borrows', async () => {
    await send('lender', world.vault, 'deposit(uint256,address)', units.deposit, who('lender'))
    assert.ok((await balance(world.vault, 'lender')) > 0n)
    await send('borrower', world.weth, 'deposit()', '--value', units.collateral)
    const pledge = 'supplyCollateral(uint32,address,uint32,address,uint256)'
    await send(
      'borrower',
      MARKET,
      pledge,
      world.market,
      who('borrower'),
      SUB,
      world.weth,
      units.collateral,
    )
    const before = await balance(world.usd, 'borrower')
    await send(
      'borrower',
      MARKET,
      BORROW,
      world.market,
      SUB,
      world.vault,
      units.firstLoan,
      who('borrower'),
    )
    assert.equal((await balance(world.usd, 'borrower')) - before, units.firstLoan)
    const owed = await debt()
    assert.ok(owed >= units.firstLoan && owed <= units.firstLoan + 100n, String(owed))
  })

  test('time passes, the debt grows, and too large a loan is refused with the reason', async () => {
    await passTime(node.url, seconds.loan)
    const owed = await debt()
    assert.ok(
      owed > units.firstLoan + 11_800_000n && owed < units.firstLoan + 12_000_000n,
      String(owed),
    )
    await report(world.ethFeed, wads.ethBefore)
    await report(world.usdFeed, wads.dollar)

    const loan = [world.market, SUB, world.vault, units.refusedLoan, who('borrower')]
    const { data, said } = await refusal('borrower', MARKET, BORROW, ...loan)
    assert.match(said, /AboveLimit/)
    const decoded = await cast('decode-error', '--sig', 'AboveLimit(uint256,uint256)', data)
    const [debtValue, limit] = decoded.split('\n').map((line) => BigInt(line.split(' ')[0]))
    assert.equal(limit, wads.borrowLimit)
    assert.ok(debtValue / 10n ** 12n >= owed + units.refusedLoan)
    assert.ok((await debt()) <= owed + 10_000n)
  })

  test('the borrower repays all and withdraws all', async () => {
    const repay = 'repay(uint32,address,uint32,address,uint256)'
    await send('borrower', MARKET, repay, world.market, who('borrower'), SUB, world.vault, MAX)
    assert.equal(await debt(), 0n)
    const release = 'withdrawCollateral(uint32,uint32,address,uint256,address)'
    await send('borrower', MARKET, release, world.market, SUB, world.weth, MAX, who('borrower'))
    assert.equal(await balance(world.weth, 'borrower'), units.collateral)
    const shares = await number(world.vault, 'maxRedeem(address)(uint256)', who('lender'))
    const redeem = 'redeem(uint256,address,address)'
    await send('lender', world.vault, redeem, shares, who('lender'), who('lender'))
    assert.ok((await balance(world.usd, 'lender')) > units.lenderFunds - units.spent)
  })

  test('after a price fall anyone liquidates the borrower', async () => {
    await send('lender', world.vault, 'deposit(uint256,address)', units.deposit, who('lender'))
    const pledge = 'supplyCollateral(uint32,address,uint32,address,uint256)'
    await send(
      'borrower',
      MARKET,
      pledge,
      world.market,
      who('borrower'),
      SUB,
      world.weth,
      units.collateral,
    )
    await send(
      'borrower',
      MARKET,
      BORROW,
      world.market,
      SUB,
      world.vault,
      units.secondLoan,
      who('borrower'),
    )

    await passTime(node.url, seconds.grace)
    await report(world.ethFeed, wads.ethAfter)
    const [dollars, coins] = [
      await balance(world.usd, 'liquidator'),
      await balance(world.weth, 'liquidator'),
    ]
    const receipt = await send(
      'liquidator',
      MARKET,
      'liquidate(uint32,address,uint32,address,address,uint256,address)',
      ...[world.market, who('borrower'), SUB, world.vault, world.weth, MAX, who('liquidator')],
    )
    const topic = await cast('sig-event', LIQUIDATED)
    const log = receipt.logs.find((one) => one.topics[0] === topic)
    const decoded = await cast(
      'decode-abi',
      'liquidated()(uint32,address,address,uint256,uint256,uint256,uint16)',
      log.data,
    )
    const fields = decoded.split('\n').map((line) => line.split(' ')[0])
    assert.equal(dollars - (await balance(world.usd, 'liquidator')), BigInt(fields[3]))
    assert.equal((await balance(world.weth, 'liquidator')) - coins, BigInt(fields[4]))
    const health = await number(
      MARKET,
      'healthFactor(uint32,address,uint32)(uint256)',
      world.market,
      who('borrower'),
      SUB,
    )
    assert.ok(health > 10n ** 18n, String(health))
  })

  test('logs are found by event and by account', async () => {
    const query = async (name) =>
      JSON.parse(
        await onChain(
          'logs',
          '--json',
          ...['--from-block', '0', '--address', MARKET],
          BORROWED,
          '',
          who(name),
        ),
      )
    assert.equal((await query('borrower')).length, 2)
    assert.equal((await query('lender')).length, 0)
  })

  test('logs arrive over a WebSocket', async () => {
    const args = ['logs', '--subscribe', '--rpc-url', node.webSocketUrl, '--address', world.usd]
    const transfer = 'Transfer(address indexed from, address indexed to, uint256 value)'
    const listener = spawn(CAST, [...args, transfer], { env: environment })
    let heard = ''
    listener.stdout.on('data', (chunk) => (heard += chunk))
    listener.stderr.on('data', (chunk) => (heard += chunk))
    try {
      // Transfers go on until one is heard: there is no sign of when the subscription stands.
      const hash = await eventually(
        async () => {
          await send('spender', world.usd, 'transfer(address,uint256)', who('borrower'), 1)
          const [, found] = heard.match(/transactionHash: (0x[0-9a-f]{64})/) ?? []
          return found
        },
        { seconds: 60 },
      )
      const receipt = JSON.parse(await onChain('receipt', '--json', hash))
      assert.equal(receipt.logs[0].address.toLowerCase(), world.usd.toLowerCase())
    } finally {
      listener.kill('SIGKILL')
    }
  })

  test('proofs and access lists are served', async () => {
    const proof = JSON.parse(await onChain('proof', world.vault, '0x0'))
    assert.ok(proof.accountProof.length > 0)
    const list = await onChain(
      'access-list',
      '--from',
      who('borrower'),
      world.vault,
      'totalAssets()',
    )
    assert.match(list.toLowerCase(), new RegExp(world.vault.toLowerCase()))
  })
})
