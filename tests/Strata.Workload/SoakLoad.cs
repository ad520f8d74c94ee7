using System.Globalization;

namespace Strata.Workload;

/// <summary>What a thread does to the cache, and how often that was done.</summary>
internal sealed class SoakLoad(DiskBlobStore store, long capacity)
{
    private const int MostSmall = 4 << 10, MostMiddle = 64 << 10;
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);
    private long _last;
    private long _writtenBytes;
    private long _reads;
    private long _hits;
    private long _wrong;

    public long WrittenBytes => Interlocked.Read(ref _writtenBytes);

    public long Reads => Interlocked.Read(ref _reads);

    public long Hits => Interlocked.Read(ref _hits);

    /// <summary>Reads of other bytes than were written.</summary>
    public long Wrong => Interlocked.Read(ref _wrong);

    public async Task RunAsync(int seed, CancellationToken stop)
    {
        var random = new Random(seed);
        byte[] pattern = new byte[4 << 20];
        new Random(1).NextBytes(pattern);

        // About as many keys as the cache holds twice over: what is asked for has half a chance to be there.
        long span = capacity / 8_000;
        while (!stop.IsCancellationRequested)
        {
            long newest = Interlocked.Read(ref _last);
            long recent = Math.Max(1, newest - (long)(span * Math.Pow(random.NextDouble(), 3)));
            switch (random.Next(100))
            {
                case < 50:
                    await ReadAsync(recent, pattern);
                    break;
                case < 75:
                    await WriteAsync(Interlocked.Increment(ref _last), random, pattern);
                    break;
                case < 92:
                    await WriteAsync(recent, random, pattern);
                    break;
                case < 96:
                    await store.UpdateAsync(KeyOf(recent), new BlobChanges { ContentType = "text/plain" }, cancellationToken: CancellationToken.None);
                    break;
                default:
                    await store.DeleteAsync(KeyOf(recent), cancellationToken: CancellationToken.None);
                    break;
            }
        }
    }

    private static BlobKey KeyOf(long number) => BlobKey.Parse(string.Create(CultureInfo.InvariantCulture, $"cache/{number:d12}"));

    private async ValueTask WriteAsync(long number, Random random, byte[] pattern)
    {
        int length = random.Next(1000) switch
        {
            < 700 => random.Next(MostSmall),
            < 996 => random.Next(MostMiddle),
            _ => random.Next(1 << 20, 3 << 20),
        };
        int from = random.Next(1 << 20);
        var options = new WriteOptions
        {
            Metadata = new Dictionary<string, string> { ["from"] = from.ToString(CultureInfo.InvariantCulture) },
            Expires = random.Next(20) == 0 ? TimeProvider.System.GetUtcNow() + Lifetime : null,
        };
        await store.PutBytesAsync(KeyOf(number), pattern.AsMemory(from, length), options);
        Interlocked.Add(ref _writtenBytes, length);
    }

    private async ValueTask ReadAsync(long number, byte[] pattern)
    {
        Interlocked.Increment(ref _reads);
        await using BlobReadResult? read = await store.ReadAsync(KeyOf(number));
        if (read is null) return;
        Interlocked.Increment(ref _hits);
        int from = int.Parse(read.Info.Metadata["from"], CultureInfo.InvariantCulture);
        byte[] bytes = await read.ToArrayAsync();
        if (!bytes.AsSpan().SequenceEqual(pattern.AsSpan(from, (int)read.Info.Length))) Interlocked.Increment(ref _wrong);
    }
}
