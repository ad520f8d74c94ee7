namespace Strata;

/// <summary>Mutations of one atomic write, as many as a database takes.</summary>
internal sealed class RowBatch(KvLimits limits)
{
    private readonly List<KvMutation> _mutations = [];
    private long _keyBytes;
    private long _bytes;

    public bool IsEmpty => _mutations.Count == 0;

    public AtomicWrite Write => new() { Mutations = _mutations };

    /// <summary>Adds what belongs together.</summary>
    /// <returns>False if it does not fit any more, and nothing was added; an empty batch takes anything.</returns>
    public bool TryAdd(params ReadOnlySpan<KvMutation> mutations)
    {
        long keyBytes = _keyBytes, bytes = _bytes;
        foreach (KvMutation mutation in mutations)
        {
            keyBytes += mutation.Key.Length;
            bytes += mutation.Key.Length + mutation.Value.Data.Length;
        }

        if (!IsEmpty && (_mutations.Count + mutations.Length > limits.MaxMutations || keyBytes > limits.MaxWriteKeyBytes || bytes > limits.MaxWriteBytes)) return false;
        _mutations.AddRange(mutations);
        (_keyBytes, _bytes) = (keyBytes, bytes);
        return true;
    }
}
