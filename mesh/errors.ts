/** The closed list of what can go wrong in the mesh, by code. Codes are stable: scripts match on them. */
export type MeshErrorCode =
  | 'QRT_MESH_FRAME_TOO_LARGE'
  | 'QRT_MESH_FRAME_MALFORMED'
  | 'QRT_MESH_VERSION'
  | 'QRT_MESH_SECRET'
  | 'QRT_MESH_MAC'
  | 'QRT_MESH_ORIGIN'
  | 'QRT_MESH_IDENTITY'
  | 'QRT_MESH_UNREACHABLE'
  | 'QRT_MESH_OVERLOADED'
  | 'QRT_MESH_CLOSED'
  | 'QRT_MESH_BOOTSTRAP'
  | 'QRT_MESH_CHANGE'
  | 'QRT_MESH_DAMAGED'

export class MeshError extends Error {
  readonly code: MeshErrorCode

  constructor(code: MeshErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MeshError'
    this.code = code
  }
}

/** States what the programmer relies on; a failure is a bug in Quorate and stops the process. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${what}`)
}
