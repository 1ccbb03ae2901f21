/** A path leads from its own leaf to the root and from no other, whether nodes are remembered or not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leafDigest, merkleTree, rememberingNodes, rootFromPath } from '../../../mesh/agreement/merkle.ts'

const leavesOf = (count: number) => Array.from({ length: count }, (_, index) => leafDigest(`leaf ${index}`))

describe('paths of a tree', () => {
  for (const count of [1, 2, 3, 7, 8, 33]) {
    it(`of ${count} leaves lead to its root`, () => {
      const leaves = leavesOf(count)
      const { root, paths } = merkleTree(leaves)
      const node = rememberingNodes()
      for (const [index, path] of paths.entries()) {
        const leaf = leaves[index]!
        assert.equal(rootFromPath(leaf, index, count, path), root)
        assert.equal(rootFromPath(leaf, index, count, path, node), root)
      }
    })
  }

  it('lead nowhere else from another leaf or another place, after the right ones were seen too', () => {
    const leaves = leavesOf(5)
    const { root, paths } = merkleTree(leaves)
    const node = rememberingNodes()
    for (const [index, path] of paths.entries()) rootFromPath(leaves[index]!, index, leaves.length, path, node)
    for (const [index, path] of paths.entries()) {
      assert.notEqual(rootFromPath(leafDigest('another'), index, leaves.length, path, node), root)
      assert.notEqual(rootFromPath(leaves[index]!, (index + 1) % leaves.length, leaves.length, path, node), root)
      assert.equal(rootFromPath(leaves[index]!, index, leaves.length, path.slice(1), node) === root, false)
    }
  })

  it('are hashed anew where the sides are swapped', () => {
    const [one, other] = leavesOf(2) as [ReturnType<typeof leafDigest>, ReturnType<typeof leafDigest>]
    const node = rememberingNodes()
    assert.notEqual(node(one, other), node(other, one))
    assert.equal(node(one, other), merkleTree([one, other]).root)
  })
})
