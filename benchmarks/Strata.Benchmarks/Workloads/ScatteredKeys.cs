using System.Text;

namespace Strata.Benchmarks;

/// <summary>
/// Keys whose order has nothing to do with the order in which they are written, and an even random order to ask for them
/// in. All is built beforehand.
/// </summary>
internal sealed class ScatteredKeys
{
    private const int DigitsOfNumber = 16;
    private const ulong Scatter = 0x9E37_79B9_7F4A_7C15;
    private readonly int[] _order;
    private BlobKey[]? _blobs;

    /// <param name="count">How many.</param>
    /// <param name="count">How many.</param>
    /// <param name="length">Bytes of each, all of them hexadecimal digits that differ from key to key: nothing for an index to share.</param>
    public ScatteredKeys(int count, int length = DigitsOfNumber)
    {
        Bytes = [.. Enumerable.Range(0, count).Select(i => Encoding.ASCII.GetBytes(Text(i, length)))];
        var random = new Random(20_240_229);
        _order = [.. Enumerable.Range(0, 1 << 20).Select(_ => random.Next(count))];
    }

    public int Count => Bytes.Length;

    public byte[][] Bytes { get; }

    /// <summary>The same keys for a store.</summary>
    public BlobKey[] Blobs => _blobs ??= [.. Enumerable.Range(0, Count).Select(i => BlobKey.Parse(Encoding.ASCII.GetString(Bytes[i])))];

    /// <summary>The index of the key that operation number <paramref name="operation"/> is about.</summary>
    public int Choose(int operation) => _order[operation & (_order.Length - 1)];

    private static string Text(int index, int length) =>
        string.Concat(Enumerable.Range(1, (length + DigitsOfNumber - 1) / DigitsOfNumber).Select(word => (((ulong)index + 1) * (Scatter * (ulong)word)).ToString("x16")))[..length];
}
