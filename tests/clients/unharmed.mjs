// A chain that no bad input may change: `watch` starts it, and looks after every test that the node
// lives and nothing has moved.

import assert from 'node:assert/strict'
import { after, afterEach, before } from 'node:test'
import { parseEther } from 'viem'
import { post, rpc, startNode } from './devnode.mjs'
import { MARKET, ORACLE, REGISTRY, abi, actor, buildWorld, wallet } from './world.mjs'

export const SUB = 0
export const NOBODY = '0x00000000000000000000000000000000000000aa'
/** What the lender has lent. */
export const DEPOSIT = 1_000_000_000n
/** What the borrower has pledged; there are no debts. */
export const PLEDGE = parseEther('1')

const names = ['lender', 'borrower', 'liquidator', 'spender', 'delegator']

// Set before the first test.
export let node, world, reader, chainId
export const clients = {}
let calm

/** Starts the chain before the tests of this file, ends it after them, looks at it in between. */
export function watch() {
  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
    for (const name of [...names, 'governance', 'publisher']) {
      clients[name] = await wallet(node.url, actor(name))
    }
    reader = clients.spender
    chainId = reader.chain.id
    await mined('lender', 'vault', 'deposit', [DEPOSIT, actor('lender').address])
    await mined('borrower', 'weth', 'deposit', [], PLEDGE)
    const pledge = [world.market, actor('borrower').address, SUB, world.weth, PLEDGE]
    await mined('borrower', 'market', 'supplyCollateral', pledge)
    await remember()
  })
  after(() => node?.stop())
  afterEach(unharmed)
}

/** From here on, this is the state that may not change. */
export async function remember() {
  calm = await snapshot()
}

/** The address and ABI of one of the world's contracts. */
export function target(name) {
  const addresses = { ...world, market: MARKET, oracle: ORACLE, registry: REGISTRY }
  const kind = { usd: 'asset', weth: 'asset' }[name] ?? name
  return [addresses[name], abi()[kind]]
}

/** Sends what must succeed. */
export async function mined(name, contract, functionName, args, value) {
  const [address, contractAbi] = target(contract)
  const call = { address, abi: contractAbi, functionName, args, value }
  const hash = await clients[name].writeContract(call)
  const receipt = await reader.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success', functionName)
}

/** Everything that no refused input may change. */
async function snapshot() {
  const read = async (contract, functionName, ...args) => {
    const [address, contractAbi] = target(contract)
    return reader.readContract({ address, abi: contractAbi, functionName, args })
  }
  const balances = {}
  for (const token of ['usd', 'weth', 'vault']) {
    for (const name of names)
      balances[`${token} ${name}`] = await read(token, 'balanceOf', actor(name).address)
  }
  const { price, round } = await read('oracle', 'feedState', world.ethFeed)
  // The index grows by itself; without debt nothing follows from it.
  const { borrowIndex: _, ...vault } = await read('vault', 'state')
  return {
    balances,
    feed: [price, round],
    vault,
    market: await read('market', 'marketState', world.market),
    debt: await read('market', 'debtOf', world.market, actor('borrower').address, SUB, world.vault),
    pledged: await read(
      'market',
      'collateralOf',
      world.market,
      actor('borrower').address,
      SUB,
      world.weth,
    ),
    counts: await read('registry', 'counts'),
    supply: await read('usd', 'totalSupply'),
    governance: await read('registry', 'governance'),
  }
}

async function unharmed() {
  assert.ok(node.alive(), 'the node ended')
  const before = BigInt(await rpc(node.url, 'eth_blockNumber'))
  await rpc(node.url, 'evm_mine')
  assert.ok(BigInt(await rpc(node.url, 'eth_blockNumber')) > before, 'no block since')
  assert.deepEqual(await snapshot(), calm)
}

/** The error object that a request is answered with. */
export async function refused(method, ...params) {
  const { json, text } = await post(node.url, { jsonrpc: '2.0', id: 7, method, params })
  assert.ok(json?.error, `${method} was not refused: ${text.slice(0, 300)}`)
  assert.equal(json.id, 7)
  assert.equal(typeof json.error.message, 'string')
  return json.error
}
