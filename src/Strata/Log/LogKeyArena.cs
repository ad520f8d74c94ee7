using System.Runtime.InteropServices;

namespace Strata;

/// <summary>Keys one after the other in one buffer.</summary>
internal sealed class LogKeyArena
{
    private readonly List<byte> _bytes = [];

    public ReadOnlySpan<byte> this[int at, int length] => CollectionsMarshal.AsSpan(_bytes).Slice(at, length);

    /// <returns>Where it is.</returns>
    public int Add(ReadOnlySpan<byte> key)
    {
        int at = _bytes.Count;
        _bytes.AddRange(key);
        return at;
    }
}
