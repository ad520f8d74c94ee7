namespace Strata.Benchmarks;

/// <summary>
/// Keys and the order in which they are asked for: Zipf with exponent 0.99, hot keys scattered. All is built
/// beforehand, so that a loop over it measures look-ups alone. The keys that are asked with are other instances than
/// those that are stored, as in a program that got them from elsewhere.
/// </summary>
internal sealed class ZipfKeys
{
    private const double Exponent = 0.99;
    private const int Draws = 1 << 20;

    public ZipfKeys(int count)
    {
        Stored = [.. Enumerable.Range(0, count).Select(Text)];
        Asked = [.. Enumerable.Range(0, count).Select(Text)];
        AskedKeys = [.. Asked.Select(BlobKey.Parse)];
        Order = Draw(count);
    }

    /// <summary>The keys to fill a store with.</summary>
    public string[] Stored { get; }

    /// <summary>The same texts, to ask peers with.</summary>
    public string[] Asked { get; }

    /// <summary>The same keys, to ask ours with.</summary>
    public BlobKey[] AskedKeys { get; }

    /// <summary>Indexes of keys; its length is a power of two, so that a loop wraps by <see cref="Mask"/>.</summary>
    public int[] Order { get; }

    public int Mask => Order.Length - 1;

    private static string Text(int index) => $"objects/{index:x8}";

    private static int[] Draw(int count)
    {
        var random = new Random(20_240_229);
        int[] keyOfRank = [.. Enumerable.Range(0, count)];
        random.Shuffle(keyOfRank);
        var cumulative = new double[count];
        double sum = 0;
        for (int rank = 0; rank < count; rank++) cumulative[rank] = sum += 1 / Math.Pow(rank + 1, Exponent);
        var order = new int[Draws];
        for (int i = 0; i < Draws; i++)
        {
            int rank = Array.BinarySearch(cumulative, random.NextDouble() * sum);
            order[i] = keyOfRank[Math.Min(rank < 0 ? ~rank : rank, count - 1)];
        }

        return order;
    }
}
