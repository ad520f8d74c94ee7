using System.Diagnostics;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>
/// Look-ups without a lock while the chains change under them. A reader that is led astray by a growing table sees a miss
/// that never was, or an entry that was replaced before it asked: a cache that forgets acknowledged writes.
/// </summary>
public sealed class MemoryTableTests
{
    private const int Kept = 40;
    private const int Passing = 20;
    private const int MostOthers = 3_000;
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(2);
    private static readonly MemoryDetails Plain = new("test");

    [Fact]
    public async Task Readers_find_what_stays_and_nothing_that_has_gone_while_the_table_grows_and_shrinks()
    {
        int seed = TestSeed.Next();
        var run = new Run(seed);
        Task[] readers = [.. Enumerable.Range(0, 3).Select(i => Start(() => run.Read(new Random(HashCode.Combine(seed, i)))))];
        Task writer = Start(run.Write);
        await Task.WhenAll([writer, .. readers]);
        TestContext.Current.TestOutputHelper!.WriteLine($"{run.Cycles} times grown and shrunk, {run.Reads} reads");
        Assert.True(run.Cycles > 3 && run.Reads > 1_000, "too little happened to show anything");
    }

    [Fact]
    public void A_table_that_is_emptied_takes_what_an_empty_one_takes()
    {
        var table = new MemoryTable(shards: 4);
        MemoryBlob[] blobs = [.. Enumerable.Range(0, 10_000).Select(i => Blob($"k/{i}", i + 1))];
        foreach (MemoryBlob blob in blobs) table.Add(blob);
        Assert.InRange(Enumerable.Range(0, 4).Sum(table.HeapBytes), 8 * 10_000, 2 * 8 * 10_000);
        foreach (MemoryBlob blob in blobs) Assert.Same(blob, table.Find(blob.Key));
        foreach (MemoryBlob blob in blobs) table.Remove(blob);
        Assert.All(blobs, blob => Assert.Null(table.Find(blob.Key)));
        Assert.Equal(0, Enumerable.Range(0, 4).Sum(table.HeapBytes));
    }

    private static Task Start(Action body) => Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>The version says which of the key's entries it is.</summary>
    private static MemoryBlob Blob(string key, long number)
    {
        var version = new BlobVersion((ulong)number);
        var info = new BlobInfo { Key = BlobKey.Parse(key), Length = 8, ETag = version.ToETag(), Version = version, Created = version.Time, Modified = version.Time };
        return new MemoryBlob(MemoryPayload.Of(info.Key, BitConverter.GetBytes(number)), info, Plain, 0);
    }

    /// <summary>One thread changes the table, as the owner of a shard's lock does; others look into it.</summary>
    private sealed class Run(int seed)
    {
        private readonly MemoryTable _table = new(shards: 1);
        private readonly BlobKey[] _kept = [.. Enumerable.Range(0, Kept).Select(i => BlobKey.Parse($"kept/{i}"))];
        private readonly BlobKey[] _passing = [.. Enumerable.Range(0, Passing).Select(i => BlobKey.Parse($"passing/{i}"))];

        /// <summary>The least entry of a key that a reader may still see.</summary>
        private readonly long[] _least = new long[Kept + Passing];
        private readonly MemoryBlob?[] _entries = new MemoryBlob?[Kept + Passing];
        private readonly long _start = Stopwatch.GetTimestamp();
        private volatile bool _isReady;
        private volatile bool _failed;
        private long _reads;
        private long _number;

        public int Cycles { get; private set; }

        public long Reads => Volatile.Read(ref _reads);

        private bool IsOver => _failed || Stopwatch.GetElapsedTime(_start) > Time;

        public void Write()
        {
            var random = new Random(seed);
            for (int i = 0; i < Kept; i++) Put(i);
            _isReady = true;
            var others = new Stack<MemoryBlob>();
            for (; !IsOver; Cycles++)
            {
                while (others.Count < MostOthers)
                {
                    MemoryBlob other = Blob($"other/{Cycles}/{others.Count}", 1);
                    _table.Add(other);
                    others.Push(other);
                    Change(random);
                }

                while (others.TryPop(out MemoryBlob? other))
                {
                    _table.Remove(other);
                    Change(random);
                }
            }
        }

        public void Read(Random random)
        {
            try
            {
                SpinWait.SpinUntil(() => _isReady || _failed);
                long reads = 0;
                for (; !IsOver; reads++)
                {
                    int index = random.Next(Kept + Passing);
                    long least = Volatile.Read(ref _least[index]);
                    MemoryBlob? found = _table.Find(KeyOf(index));
                    if (found is null) Assert.True(index >= Kept, $"seed {seed}: key {index} was there all the time and a look-up missed it");
                    else Assert.True((long)found.Version.Value >= least, $"seed {seed}: key {index}: entry {found.Version.Value} was found; it had gone before the look-up began, {least} is the oldest that may be seen");
                }

                Interlocked.Add(ref _reads, reads);
            }
            catch
            {
                _failed = true;
                throw;
            }
        }

        private BlobKey KeyOf(int index) => index < Kept ? _kept[index] : _passing[index - Kept];

        private void Change(Random random)
        {
            if (random.Next(3) > 0) return;
            int index = random.Next(Kept + Passing);
            if (index >= Kept && _entries[index] is { } there && random.Next(2) == 0)
            {
                _table.Remove(there);
                _entries[index] = null;
                Volatile.Write(ref _least[index], _number + 1);
                return;
            }

            Put(index);
        }

        private void Put(int index)
        {
            MemoryBlob blob = Blob(KeyOf(index).Value, ++_number);
            if (_entries[index] is { } before) _table.Replace(before, blob);
            else _table.Add(blob);
            _entries[index] = blob;
            Volatile.Write(ref _least[index], _number);
        }
    }
}
