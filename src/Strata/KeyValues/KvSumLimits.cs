using System.Numerics;

namespace Strata;

/// <summary>
/// Limits of a sum over JavaScript's numbers and big integers, each serialised as V8 does, and of the kind of what is added.
/// As Deno has it, they are for sums: the first one of a key sets what is added as it is.
/// </summary>
/// <param name="Min">The least result; empty: none.</param>
/// <param name="Max">The greatest result; empty: none.</param>
/// <param name="Clamp">True: a result beyond a limit becomes the limit; false: the write is refused.</param>
public sealed record KvSumLimits(ReadOnlyMemory<byte> Min, ReadOnlyMemory<byte> Max, bool Clamp)
{
    /// <summary>Limits of a sum over numbers; null: none.</summary>
    public static KvSumLimits? Of(double? min, double? max, bool clamp) =>
        min is null && max is null ? null : new(min is { } least ? V8Value.Of(least).ToBytes() : default, max is { } most ? V8Value.Of(most).ToBytes() : default, clamp);

    /// <summary>Limits of a sum over big integers; null: none.</summary>
    public static KvSumLimits? Of(BigInteger? min, BigInteger? max, bool clamp) =>
        min is null && max is null ? null : new(min is { } least ? V8Value.Of(least).ToBytes() : default, max is { } most ? V8Value.Of(most).ToBytes() : default, clamp);
}
