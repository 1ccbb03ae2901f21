/** Membership as the node uses it. */
export type { MembershipCore, MembershipEffect } from './core.ts'
export type { Member } from './member.ts'
export { createMembership } from './membership.ts'
