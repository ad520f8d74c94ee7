using System.Numerics;

namespace Strata;

/// <summary>
/// What every checksum of a segment is combined with, so that what is right in one place is right in no other: not in
/// another segment, not in a later use of the file, not in another log. Who can write values but not read the log's files
/// does not know it, and can put nothing into a value that passes for a frame. docs/formats/log.md
/// </summary>
/// <remarks>CRC-32C of <c>u64 identity of the log, u32 incarnation of the segment, u64 LSN</c>. Made once for a segment; an LSN costs one instruction.</remarks>
internal readonly record struct LogSeed
{
    private const uint Polynomial = 0x82F63B78;
    private readonly uint _state;

    private LogSeed(uint state) => _state = state;

    public static LogSeed Of(ulong identity, uint incarnation) => new(BitOperations.Crc32C(BitOperations.Crc32C(~0U, identity), incarnation));

    /// <summary>What a checksum is combined with (exclusive-or).</summary>
    /// <param name="sequence">The LSN; of a block of a hint its number.</param>
    public uint At(ulong sequence) => ~BitOperations.Crc32C(_state, sequence);

    /// <summary>
    /// An identity under which a frame of this incarnation has this seed: one of 2^32 that give the same seeds for all its
    /// frames. For a person in trouble who has lost every head that states the right one, never for an opening.
    /// </summary>
    public static ulong IdentityBehind(uint seed, uint incarnation, ulong sequence)
    {
        uint state = Back(Back(~seed) ^ (uint)(sequence >> 32)) ^ (uint)sequence;
        uint behindIdentity = Back(state) ^ incarnation;

        // The lower half is taken for 0; the upper one then follows.
        uint behindLower = BitOperations.Crc32C(~0U, 0U);
        return (ulong)(Back(behindIdentity) ^ behindLower) << 32;
    }

    /// <summary>Undoes 32 steps of the checksum: the polynomial's highest bit tells in each whether it was added.</summary>
    private static uint Back(uint state)
    {
        for (int i = 0; i < 32; i++) state = (state & 0x8000_0000) == 0 ? state << 1 : ((state ^ Polynomial) << 1) | 1;
        return state;
    }
}
