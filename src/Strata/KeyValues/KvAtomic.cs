using System.Numerics;

namespace Strata;

/// <summary>
/// An atomic write in the making: checks, and changes that are applied in their order if all checks hold. Made by
/// <see cref="Kv.Atomic"/>; nothing happens before <see cref="CommitAsync"/>. For one caller at a time.
/// </summary>
public sealed class KvAtomic
{
    private readonly Kv _kv;
    private readonly List<KvCheck> _checks = [];
    private readonly List<KvMutation> _mutations = [];

    internal KvAtomic(Kv kv) => _kv = kv;

    /// <summary>The key's entry must be the one of this commit.</summary>
    /// <param name="key">The key.</param>
    /// <param name="versionstamp">The commit; <see cref="Versionstamp.None"/>: there must be no entry.</param>
    public KvAtomic Check(KvKey key, Versionstamp versionstamp)
    {
        _checks.Add(new KvCheck(KvReserved.Check(key, nameof(key)), versionstamp));
        return this;
    }

    /// <summary>The entry must be as it was read.</summary>
    public KvAtomic Check<T>(KvEntry<T> entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return Check(entry.Key, entry.Versionstamp);
    }

    /// <summary>There must be no entry.</summary>
    public KvAtomic CheckAbsent(KvKey key) => Check(key, Versionstamp.None);

    /// <summary>Sets a value.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">Up to <see cref="KvOptions.MaxValueBytes"/>, and what the database takes in one write.</param>
    /// <param name="expiresIn">From now; more than zero. Null: never.</param>
    /// <exception cref="ArgumentException">There is no codec for the type, or the value is too long.</exception>
    public KvAtomic Set<T>(KvKey key, T value, TimeSpan? expiresIn = null) => Add(KvMutation.Set(KvReserved.Check(key, nameof(key)), _kv.Encode(value), _kv.ExpiryIn(expiresIn)));

    /// <summary>Sets a value that is invisible from a time on, to the millisecond.</summary>
    /// <exception cref="ArgumentException">There is no codec for the type, or the value is too long.</exception>
    public KvAtomic Set<T>(KvKey key, T value, DateTimeOffset expires) => Add(KvMutation.Set(KvReserved.Check(key, nameof(key)), _kv.Encode(value), expires));

    /// <summary>Removes an entry, if there is one.</summary>
    public KvAtomic Delete(KvKey key) => Add(KvMutation.Delete(KvReserved.Check(key, nameof(key))));

    /// <summary>Adds to a number of 64 bits, which wraps; where there is none, sets it. What is there must be one that was set as <c>ulong</c>.</summary>
    public KvAtomic Sum(KvKey key, ulong number) => Add(KvMutation.Sum(KvReserved.Check(key, nameof(key)), number));

    /// <summary>Adds to a JavaScript number (<c>double</c>); where there is none, sets it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="number">What is added.</param>
    /// <param name="min">The least sum; null: none. As in Deno, the first sum of a key sets <paramref name="number"/> as it is.</param>
    /// <param name="max">The greatest sum; null: none.</param>
    /// <param name="clamp">True: a sum beyond a limit becomes the limit; false: the commit fails with an <see cref="ArgumentException"/>.</param>
    public KvAtomic SumNumber(KvKey key, double number, double? min = null, double? max = null, bool clamp = false) =>
        Add(KvMutation.Sum(KvReserved.Check(key, nameof(key)), new KvValue(V8Value.Of(number).ToBytes(), KvEncoding.V8), KvSumLimits.Of(min, max, clamp)));

    /// <summary>Adds to a big integer; where there is none, sets it. A number of 64 bits that is there stays one.</summary>
    /// <param name="key">The key.</param>
    /// <param name="integer">What is added.</param>
    /// <param name="min">The least sum; null: none. As in Deno, the first sum of a key sets <paramref name="integer"/> as it is.</param>
    /// <param name="max">The greatest sum; null: none.</param>
    /// <param name="clamp">True: a sum beyond a limit becomes the limit; false: the commit fails with an <see cref="ArgumentException"/>.</param>
    public KvAtomic SumInteger(KvKey key, BigInteger integer, BigInteger? min = null, BigInteger? max = null, bool clamp = false) =>
        Add(KvMutation.Sum(KvReserved.Check(key, nameof(key)), new KvValue(V8Value.Of(integer).ToBytes(), KvEncoding.V8), KvSumLimits.Of(min, max, clamp)));

    /// <summary>Sets a number of 64 bits if it is greater than the one there, or there is none.</summary>
    public KvAtomic Max(KvKey key, ulong number) => Add(KvMutation.Max(KvReserved.Check(key, nameof(key)), number));

    /// <summary>Sets a number of 64 bits if it is less than the one there, or there is none.</summary>
    public KvAtomic Min(KvKey key, ulong number) => Add(KvMutation.Min(KvReserved.Check(key, nameof(key)), number));

    /// <summary>
    /// Sets a value under the key with one more part: the commit's versionstamp as a string of 20 digits
    /// (<see cref="Versionstamp.ToString"/>). Such keys are in the order of their commits.
    /// </summary>
    /// <param name="prefix">The parts before; at least one.</param>
    /// <param name="value">The value.</param>
    /// <param name="expiresIn">From now; more than zero. Null: never.</param>
    /// <exception cref="ArgumentException">There is no codec for the type, or the value is too long.</exception>
    public KvAtomic SetVersionstampedKey<T>(KvKey prefix, T value, TimeSpan? expiresIn = null) =>
        Add(KvMutation.SetVersionstampedKey(KvReserved.Check(prefix, nameof(prefix)), _kv.Encode(value), _kv.ExpiryIn(expiresIn)));

    /// <summary>Commits all changes if all checks hold, else nothing.</summary>
    /// <param name="cancellationToken">Ignored once the commit is dispatched.</param>
    /// <returns>The versionstamp of the commit, or the checks that failed, by their order here.</returns>
    /// <exception cref="ArgumentException">It is more than the database takes, or a sum over what is no number of its kind: nothing is applied.</exception>
    /// <exception cref="StorageException">Its <see cref="StorageException.Outcome"/> says whether it may have been applied.</exception>
    public ValueTask<CommitResult> CommitAsync(CancellationToken cancellationToken = default) => _kv.CommitAsync(_checks, _mutations, cancellationToken);

    /// <summary>Adds any change, of reserved keys too.</summary>
    internal KvAtomic Add(KvMutation mutation)
    {
        _mutations.Add(mutation);
        return this;
    }

    /// <summary>Adds any check, of reserved keys too.</summary>
    internal KvAtomic Add(KvCheck check)
    {
        _checks.Add(check);
        return this;
    }
}
