// The leaving lender's story through viem: a vault without cash, a place in its exit queue, parts of it
// paid by a deposit and a repayment, and the place sold as a token.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { maxUint256 } from 'viem'
import { actingIn } from './acting.mjs'
import { startNode } from './devnode.mjs'
import { actor, buildWorld, story, wallet } from './world.mjs'

const { units } = story
const USD = 10n ** 6n
const LENT = 10_000n * USD

describe("viem: the leaving lender's story", () => {
  let node, world, lender, borrower, buyer
  let read, held, act, refusal
  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
    ;[lender, borrower, buyer] = await Promise.all(
      ['lender', 'borrower', 'liquidator'].map((name) => wallet(node.url, actor(name))),
    )
    ;({ read, held, act, refusal } = actingIn(world, borrower))
    await act(lender, 'vault', 'deposit', [LENT, lender.account.address])
    const me = borrower.account.address
    await act(borrower, 'weth', 'deposit', [], { value: units.collateral })
    const pledge = [world.market, me, 0, world.weth, units.collateral]
    await act(borrower, 'market', 'supplyCollateral', pledge)
    await act(borrower, 'market', 'borrow', [world.market, 0, world.vault, LENT, me])
  })
  after(() => node?.stop())

  const ask = (method, ...params) => borrower.request({ method, params })
  const place = (number) => read('vault', 'exitState', number)

  test('without cash a request takes a place', async () => {
    const me = lender.account.address
    assert.equal(await read('vault', 'maxWithdraw', me), 0n)
    const [why] = await refusal(lender, 'vault', 'withdraw', [1n, me, me])
    assert.equal(why, 'Illiquid')
    const shares = await held('vault', lender)
    const { result, event } = await act(lender, 'vault', 'requestRedeem', [shares, me, me])
    assert.equal(result, 1n)
    assert.deepEqual([event('RedeemRequest').controller, event('RedeemRequest').shares], [me, shares])
    assert.equal(await read('vault', 'pendingRedeemRequest', 1n, me), shares)
    assert.equal(await read('exit', 'ownerOf', 1n), me)
    assert.equal(await read('exit', 'balanceOf', me), 1n)
    const uri = await read('exit', 'tokenURI', 1n)
    const json = JSON.parse(Buffer.from(uri.split(',')[1], 'base64').toString())
    assert.match(json.name, /^Place 1 in the exit queue/)
    const [early] = await refusal(lender, 'vault', 'claimExit', [1n, me])
    assert.equal(early, 'NothingToClaim')
    const [vault] = await ask('gage_vaults')
    assert.ok(BigInt(vault.exits.worth.raw) >= LENT)
  })

  test('a deposit pays the queue, and nobody can draw on it', async () => {
    const him = buyer.account.address
    await act(buyer, 'vault', 'deposit', [3_000n * USD, him])
    const draw = [world.market, 0, world.vault, 100n * USD, borrower.account.address]
    const [why] = await refusal(borrower, 'market', 'borrow', draw)
    assert.equal(why, 'Illiquid')
    assert.equal((await place(1n)).claimable, 3_000n * USD)
    const [told] = await ask('gage_exits', lender.account.address)
    assert.deepEqual([told.place, told.claimable.raw], [1, String(3_000n * USD)])
  })

  test('strangers get nothing, a buyer gets the place with what was set aside', async () => {
    const [me, him] = [lender.account.address, buyer.account.address]
    const [theft] = await refusal(buyer, 'exit', 'transferFrom', [me, him, 1n])
    assert.equal(theft, 'ERC721InsufficientApproval')
    const [grab] = await refusal(buyer, 'vault', 'claimExit', [1n, him])
    assert.equal(grab, 'ERC721InsufficientApproval')
    const unsafe = [me, world.vault, 1n]
    assert.equal((await refusal(lender, 'exit', 'safeTransferFrom', unsafe))[0], 'ERC721InvalidReceiver')
    const { event } = await act(lender, 'exit', 'safeTransferFrom', [me, him, 1n])
    assert.equal(event('Transfer').to, him)
    assert.equal((await refusal(lender, 'vault', 'claimExit', [1n, me]))[0], 'ERC721InsufficientApproval')
    const before = await held('usd', buyer)
    await act(buyer, 'vault', 'claimExit', [1n, him])
    assert.equal(await held('usd', buyer), before + 3_000n * USD)
  })

  test('a repayment fills the rest, and the place ends', async () => {
    const [me, him] = [borrower.account.address, buyer.account.address]
    await act(buyer, 'usd', 'transfer', [me, 100n * USD])
    await act(borrower, 'market', 'repay', [world.market, me, 0, world.vault, maxUint256])
    const { event } = await act(buyer, 'vault', 'claimExit', [1n, him])
    assert.ok(event('ExitClaimed').assets >= 7_000n * USD)
    assert.equal((await refusal(buyer, 'vault', 'claimExit', [1n, him]))[0], 'ERC721NonexistentToken')
    assert.deepEqual(await ask('gage_exits', him), [])
    const { waiting } = await read('vault', 'exitQueue')
    assert.equal(waiting, 0n)
  })
})
