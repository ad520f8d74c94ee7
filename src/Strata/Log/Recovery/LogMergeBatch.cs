using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>Some of what a <see cref="LogMerge"/> gives, in ascending order of the keys: what one thread hands to another. Memory: about 300 KiB.</summary>
internal sealed class LogMergeBatch
{
    private const int MostEntries = 4 << 10, KeyBytes = 128 << 10;
    private readonly LogMergeEntry[] _entries = GC.AllocateUninitializedArray<LogMergeEntry>(MostEntries);
    private readonly byte[] _keys = GC.AllocateUninitializedArray<byte>(KeyBytes);
    private int _count;
    private int _used;

    public ReadOnlySpan<LogMergeEntry> Entries => _entries.AsSpan(0, _count);

    /// <summary>True while the longest key still fits.</summary>
    public bool HasRoom => _count < MostEntries && _used <= KeyBytes - LogEntryHeader.MaxKeyBytes;

    /// <summary>The keys, one after the other.</summary>
    public ReadOnlySpan<byte> Keys => _keys.AsSpan(0, _used);

    public void Clear() => _count = _used = 0;

    /// <returns>The key, in the batch.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Add(LogCursor entry, int source)
    {
        ReadOnlySpan<byte> key = entry.Key;
        Span<byte> copy = _keys.AsSpan(_used, key.Length);
        key.CopyTo(copy);
        _used += key.Length;
        ref LogMergeEntry added = ref _entries[_count++];
        added.Location = entry.Location;
        added.Sequence = entry.Sequence;
        added.Expires = entry.Expires;
        added.Source = source;
        added.KeyEnd = _used;
        return copy;
    }
}
