// The delegator's story through viem: a wallet signs typed data and never sends a transaction for it;
// somebody else hands it in, the delegatee draws, and the named receiver is paid. Then the account moves.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { zeroAddress } from 'viem'
import { getEip712Domain } from 'viem/actions'
import { actingIn } from './acting.mjs'
import { startNode } from './devnode.mjs'
import { MARKET, abi, actor, buildWorld, signatureParts, story, wallet } from './world.mjs'

const { units } = story
const USD = 10n ** 6n
const fields = (text) =>
  text.split(',').map((field) => {
    const [type, name] = field.split(' ')
    return { name, type }
  })
const types = {
  OperatorAuthorisation: fields(
    'address owner,uint32 market,uint32 sub,address operator,uint8 permissions,uint64 expiresAt,' +
      'address receiver,uint256 nonce,uint256 deadline',
  ),
  CreditDelegation: fields(
    'address owner,uint32 market,uint32 sub,address vault,address delegatee,uint256 limit,' +
      'uint64 expiresAt,address receiver,uint256 nonce,uint256 deadline',
  ),
}

describe("viem: the delegator's story", () => {
  let node, world, lender, owner, relayer, delegatee
  let read, held, act, refusal, me, domain, expiresAt, deadline
  const safe = '0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a'
  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
    ;[lender, owner, relayer, delegatee] = await Promise.all(
      ['lender', 'borrower', 'liquidator', 'spender'].map((name) => wallet(node.url, actor(name))),
    )
    ;({ read, held, act, refusal } = actingIn(world, owner))
    me = owner.account.address
    await act(lender, 'vault', 'deposit', [units.deposit, lender.account.address])
    await act(owner, 'weth', 'deposit', [], { value: units.collateral })
    await act(owner, 'market', 'supplyCollateral', [
      world.market,
      me,
      0,
      world.weth,
      units.collateral,
    ])
    const { timestamp } = await owner.getBlock()
    expiresAt = timestamp + 86_400n
    deadline = timestamp + 3_600n
    const told = await getEip712Domain(owner, { address: MARKET })
    domain = { ...told.domain, salt: undefined }
  })
  after(() => node?.stop())

  const ask = (method, ...params) => owner.request({ method, params })
  const sign = (primaryType, message) =>
    owner.signTypedData({ domain, types: { [primaryType]: types[primaryType] }, primaryType, message })

  test('the domain is told', () => {
    assert.deepEqual([domain.name, domain.version], ['Gage Market', '1'])
    assert.equal(domain.verifyingContract.toLowerCase(), MARKET.toLowerCase())
    assert.equal(domain.chainId, owner.chain.id)
  })

  test('signed credit is handed in by somebody else, once, and paid to whom the owner named', async () => {
    const sent = await owner.getTransactionCount({ address: me })
    const nonce = await read('market', 'nonces', me)
    const limit = 3_000n * USD
    const message = {
      owner: me,
      market: world.market,
      sub: 0,
      vault: world.vault,
      delegatee: delegatee.account.address,
      limit,
      expiresAt,
      receiver: safe,
      nonce,
      deadline,
    }
    const { v, r, s } = signatureParts(await sign('CreditDelegation', message))
    const args = (change = {}) => {
      const m = { ...message, ...change }
      const words = [m.owner, m.market, m.sub, m.vault, m.delegatee, m.limit, m.expiresAt]
      return [...words, m.receiver, m.deadline, v, r, s]
    }
    for (const change of [
      { limit: limit + 1n },
      { receiver: relayer.account.address },
      { delegatee: relayer.account.address },
      { expiresAt: expiresAt + 1n },
      { sub: 1 },
      { deadline: deadline + 1n },
    ]) {
      const [error] = await refusal(relayer, 'market', 'delegateCreditWithSig', args(change))
      assert.equal(error, 'ERC2612InvalidSigner', JSON.stringify(Object.keys(change)))
    }
    const { event } = await act(relayer, 'market', 'delegateCreditWithSig', args())
    assert.deepEqual([event('CreditDelegated').owner, event('CreditDelegated').limit], [me, limit])
    const [again] = await refusal(relayer, 'market', 'delegateCreditWithSig', args())
    assert.equal(again, 'ERC2612InvalidSigner')
    assert.equal(await read('market', 'nonces', me), nonce + 1n)
    assert.equal(await owner.getTransactionCount({ address: me }), sent, 'the owner sent nothing')

    const draw = (amount) => [world.market, me, 0, world.vault, amount]
    const [stranger] = await refusal(relayer, 'market', 'drawCredit', draw(1n))
    assert.equal(stranger, 'InsufficientCredit')
    const drawn = await act(delegatee, 'market', 'drawCredit', draw(1_000n * USD))
    assert.equal(drawn.event('CreditDrawn').left, 2_000n * USD)
    assert.equal(await read('usd', 'balanceOf', safe), 1_000n * USD)
    assert.equal(await held('usd', delegatee), 0n)
    const [more] = await refusal(delegatee, 'market', 'drawCredit', draw(2_001n * USD))
    assert.equal(more, 'InsufficientCredit')
    const told = await ask('gage_authorisations', me)
    assert.deepEqual([told.nonce, told.operators], [Number(nonce) + 1, []])
    assert.deepEqual([told.credits[0].limit.formatted, told.credits[0].receiver], ['2000', safe])
  })

  test('a signed operator acts until it is revoked', async () => {
    const nonce = await read('market', 'nonces', me)
    const message = {
      owner: me,
      market: world.market,
      sub: 0,
      operator: delegatee.account.address,
      permissions: 6,
      expiresAt,
      receiver: zeroAddress,
      nonce,
      deadline,
    }
    const { v, r, s } = signatureParts(await sign('OperatorAuthorisation', message))
    const words = [me, world.market, 0, message.operator, 6, expiresAt, zeroAddress, deadline]
    await act(relayer, 'market', 'setOperatorWithSig', [...words, v, r, s])
    const before = await held('usd', owner)
    const draw = [world.market, me, 0, world.vault, 500n * USD]
    await act(delegatee, 'market', 'borrowFor', draw)
    assert.equal(await held('usd', owner), before + 500n * USD, 'what it draws is the owner’s')
    const [release] = await refusal(delegatee, 'market', 'withdrawCollateralFor', [
      world.market,
      me,
      0,
      world.weth,
      1n,
    ])
    assert.equal(release, 'NotPermitted')
    // It manages this account; to move it, it would have to manage the other one as well.
    const pairs = [{ from: world.vault, to: world.vault }]
    const move = [me, world.market, 0, world.market, 5, pairs]
    assert.equal((await refusal(delegatee, 'market', 'rehome', move))[0], 'NotPermitted')
    const there = [world.market, 5, message.operator, 4, expiresAt, zeroAddress]
    await act(owner, 'market', 'setOperator', there)
    const [told, reasons] = await read('market', 'previewRehome', ...move)
    assert.deepEqual(reasons, [])
    const { event } = await act(delegatee, 'market', 'rehome', move)
    assert.deepEqual([event('Rehomed').owner, event('Rehomed').toSub], [me, 5])
    // The interest of a second or two may come between.
    const grown = event('DebtRehomed').amount - told.debts[0].amount
    assert.ok(grown >= 0n && grown < 10n, String(grown))
    assert.equal((await read('market', 'accountState', world.market, me, 0)).debts.length, 0)
    const state = await read('market', 'accountState', world.market, me, 5)
    assert.equal(state.collaterals[0].amount, units.collateral)
    const revoked = [world.market, 5, message.operator, 0, 0n, zeroAddress]
    await act(owner, 'market', 'setOperator', revoked)
    const back = [me, world.market, 5, world.market, 0, pairs]
    assert.equal((await refusal(delegatee, 'market', 'rehome', back))[0], 'NotPermitted')
    await act(owner, 'market', 'rehome', back)
  })

  test('signatures that were not handed in can be voided', async () => {
    const nonce = await read('market', 'nonces', me)
    const message = {
      owner: me,
      market: world.market,
      sub: 0,
      operator: relayer.account.address,
      permissions: 7,
      expiresAt,
      receiver: relayer.account.address,
      nonce,
      deadline,
    }
    const { v, r, s } = signatureParts(await sign('OperatorAuthorisation', message))
    await act(owner, 'market', 'voidSignatures', [nonce + 1n])
    const operator = relayer.account.address
    const words = [me, world.market, 0, operator, 7, expiresAt, operator, deadline]
    const [error] = await refusal(relayer, 'market', 'setOperatorWithSig', [...words, v, r, s])
    assert.equal(error, 'ERC2612InvalidSigner')
    assert.ok(abi().market.some(({ name }) => name === 'OperatorChanged'))
  })
})
