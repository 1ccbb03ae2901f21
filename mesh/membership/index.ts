/** Membership as the node uses it. */
export type { Member } from './member.ts'
export { createMembership, type MembershipCore, type MembershipEffect } from './membership.ts'
