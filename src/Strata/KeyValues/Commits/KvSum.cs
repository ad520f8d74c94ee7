namespace Strata;

/// <summary>What sum, max and min come to.</summary>
internal static class KvSum
{
    /// <summary>The number after the mutation.</summary>
    /// <param name="mutation">A sum, max or min.</param>
    /// <param name="current">What is there; null: nothing.</param>
    /// <exception cref="ArgumentException">One of the two is no number that the mutation counts with.</exception>
    public static KvValue Of(in KvMutation mutation, KvValue? current)
    {
        if (!mutation.Value.TryGetUInt64(out ulong number)) throw new ArgumentException($"{mutation.Kind} counts with numbers of 64 bits; what was given is {mutation.Value}.", nameof(mutation));
        if (current is not { } there) return KvValue.OfUInt64(number);
        if (!there.TryGetUInt64(out ulong before)) throw new ArgumentException($"{mutation.Kind} counts with numbers of 64 bits; what the key holds is {there}.", nameof(mutation));
        return KvValue.OfUInt64(mutation.Kind switch
        {
            KvMutationKind.Sum => unchecked(before + number),
            KvMutationKind.Max => Math.Max(before, number),
            _ => Math.Min(before, number),
        });
    }
}
