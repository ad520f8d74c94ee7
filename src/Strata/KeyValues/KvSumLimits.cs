namespace Strata;

/// <summary>Limits of a sum over JavaScript's numbers and big integers, each serialised as V8 does.</summary>
/// <param name="Min">The least result; empty: none.</param>
/// <param name="Max">The greatest result; empty: none.</param>
/// <param name="Clamp">True: a result beyond a limit becomes the limit; false: the write is refused.</param>
public sealed record KvSumLimits(ReadOnlyMemory<byte> Min, ReadOnlyMemory<byte> Max, bool Clamp);
