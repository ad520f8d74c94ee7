namespace Strata;

/// <summary>What sum, max and min come to, as Deno defines it.</summary>
/// <remarks>
/// Numbers of 64 bits count with their like, and wrap. A sum counts with JavaScript's numbers or big integers too, each with
/// its like; with a big integer from 0 to 2^64 − 1 a number of 64 bits stays one. The first sum of a key is what is added,
/// whatever the limits are.
/// </remarks>
internal static class KvSum
{
    /// <summary>The number after the mutation.</summary>
    /// <param name="mutation">A sum, max or min.</param>
    /// <param name="current">What is there; null: nothing.</param>
    /// <exception cref="ArgumentException">One of the two is no number that the mutation counts with, or the sum is beyond a limit.</exception>
    public static KvValue Of(in KvMutation mutation, KvValue? current)
    {
        if (mutation.Value.TryGetUInt64(out ulong number)) return OfUInt64(mutation, number, current);
        if (mutation.Kind != KvMutationKind.Sum) throw Wrong($"{mutation.Kind} counts with numbers of 64 bits; what was given is {mutation.Value}.");
        V8Value added = NumberOf(mutation.Value) ?? throw Wrong($"Sum counts with numbers of 64 bits, and with JavaScript's numbers and big integers; what was given is {mutation.Value}.");
        V8Value? min = Limit(mutation.SumLimits?.Min, added), max = Limit(mutation.SumLimits?.Max, added);
        bool isClamped = mutation.SumLimits?.Clamp ?? false;
        if (current is not { } there) return ValueOf(added);
        if (there.TryGetUInt64(out ulong before)) return OfUInt64AndInteger(before, added, min is not null || max is not null || isClamped);
        V8Value old = NumberOf(there) ?? throw Wrong($"Sum counts with numbers; what the key holds is {there}.");
        if (old.Kind != added.Kind) throw Wrong($"Sum adds to a number of its own kind: the key holds a {NameOf(old)}, and what was given is a {NameOf(added)}.");
        V8Value sum = old.Kind == V8Kind.Integer ? V8Value.Of(old.Integer + added.Integer) : V8Value.Of(old.Number + added.Number);
        if (min is not null && IsLess(sum, min)) sum = isClamped ? min : throw Wrong("The sum is less than its least result.");
        if (max is not null && IsLess(max, sum)) sum = isClamped ? max : throw Wrong("The sum is greater than its greatest result.");
        return ValueOf(sum);
    }

    private static KvValue OfUInt64(in KvMutation mutation, ulong number, KvValue? current)
    {
        if (mutation.SumLimits is { } limits && (limits.Clamp || !limits.Min.IsEmpty || !limits.Max.IsEmpty)) throw Wrong("A number of 64 bits has no limits of a sum: they are for JavaScript's numbers and big integers.");
        if (current is not { } there) return KvValue.OfUInt64(number);
        if (!there.TryGetUInt64(out ulong before)) throw Wrong($"{mutation.Kind} counts with numbers of 64 bits; what the key holds is {there}.");
        return KvValue.OfUInt64(mutation.Kind switch
        {
            KvMutationKind.Sum => unchecked(before + number),
            KvMutationKind.Max => Math.Max(before, number),
            _ => Math.Min(before, number),
        });
    }

    private static KvValue OfUInt64AndInteger(ulong before, V8Value added, bool isLimited) =>
        added.Kind == V8Kind.Integer && !isLimited && added.Integer >= 0 && added.Integer <= ulong.MaxValue
            ? KvValue.OfUInt64(unchecked(before + (ulong)added.Integer))
            : throw Wrong($"The key holds a number of 64 bits: to it can be added another, or a big integer from 0 to 2^64 − 1 without limits, not this {NameOf(added)}.");

    private static V8Value? Limit(ReadOnlyMemory<byte>? limit, V8Value added)
    {
        if (limit is not { IsEmpty: false } bytes) return null;
        V8Value value = NumberOf(new KvValue(bytes, KvEncoding.V8)) ?? throw Wrong("A limit of a sum is one of JavaScript's numbers or big integers.");
        return value.Kind == added.Kind ? value : throw Wrong($"A limit of a sum is of the kind of what is added: a {NameOf(added)}, not a {NameOf(value)}.");
    }

    private static V8Value? NumberOf(KvValue value) =>
        value.Encoding == KvEncoding.V8 && V8Value.TryRead(value.Data, out V8Value? read) && read.Kind is V8Kind.Number or V8Kind.Integer ? read : null;

    private static bool IsLess(V8Value left, V8Value right) => left.Kind == V8Kind.Integer ? left.Integer < right.Integer : left.Number < right.Number;

    private static KvValue ValueOf(V8Value number) => new(number.ToBytes(), KvEncoding.V8);

    private static string NameOf(V8Value value) => value.Kind == V8Kind.Integer ? "big integer" : "number";

    private static ArgumentException Wrong(string message) => new(message);
}
