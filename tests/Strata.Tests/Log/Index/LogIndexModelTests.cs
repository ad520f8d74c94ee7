using System.Diagnostics;
using Xunit;

namespace Strata.Tests;

/// <summary>The index against a sorted dictionary, by random operations on keys of every awkward shape.</summary>
public sealed class LogIndexModelTests
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(4);

    [Fact]
    public void Short_random_sequences_do_what_a_sorted_dictionary_does()
    {
        int seed = Random.Shared.Next(), sequences = 0;
        long start = Stopwatch.GetTimestamp();
        for (; sequences < 100_000 && Stopwatch.GetElapsedTime(start) < Budget; sequences++) Run(seed + sequences, operations: 60, keys: 24);
        TestContext.Current.TestOutputHelper!.WriteLine($"{sequences} sequences from seed {seed}");
        Assert.True(sequences > 100);
    }

    [Fact]
    public void Long_random_sequences_do_what_a_sorted_dictionary_does()
    {
        int seed = Random.Shared.Next(), sequences = 0;
        long start = Stopwatch.GetTimestamp();
        for (; Stopwatch.GetElapsedTime(start) < Budget; sequences++) Run(seed + sequences, operations: 20_000, keys: 6_000);
        TestContext.Current.TestOutputHelper!.WriteLine($"{sequences} sequences from seed {seed}");
        Assert.True(sequences > 0);
    }

    /// <summary>Seeds that once failed.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Sequences_that_once_failed(int seed) => Run(seed, 20_000, 6_000);

    private static void Run(int seed, int operations, int keys)
    {
        try
        {
            using var pair = new IndexAndModel(seed);
            pair.Apply(operations, keys);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}, {operations} operations, {keys} keys: {e.Message}", e);
        }
    }

    private sealed class IndexAndModel(int seed) : IDisposable
    {
        private readonly Random _random = new(seed);
        private readonly LogIndex _index = new(long.MaxValue);
        private readonly SortedDictionary<byte[], LogLocation> _model = new(ByteOrder.Instance);
        private readonly LogScanBuffer _buffer = new();
        private byte[][] _keys = [];
        private uint _next;

        public void Dispose() => _index.Dispose();

        public void Apply(int operations, int keys)
        {
            _keys = KeyShapes.Make(_random, keys);
            if (_random.Next(4) == 0) Load();
            int growth = 60;
            for (int i = 0; i < operations; i++)
            {
                // Whole phases of growth and of shrinking, so that nodes are split and put together in numbers.
                if (i % Math.Max(1, operations / 5) == 0) growth = _random.Next(10, 95);
                if (_random.Next(100) < growth) Put();
                else if (_random.Next(20) == 0) Replace();
                else Remove();
                if (_random.Next(8) == 0) Get();
                if (_random.Next(operations > 1_000 ? 200 : 12) == 0) Scan();
            }

            CheckAll();
            if (_random.Next(3) == 0) Empty();
        }

        private byte[] AnyKey() => _keys[_random.Next(_keys.Length)];

        private LogLocation NextLocation() => new(++_next, (uint)_random.Next(), (uint)_random.Next(1 << 24), (LogEntryFlags)_random.Next(256));

        private void Load()
        {
            LogIndexLoader loader = _index.Load();
            foreach (byte[] key in _keys.Where(_ => _random.Next(3) > 0).Order(ByteOrder.Instance).DistinctBy(Convert.ToHexString))
            {
                LogLocation location = NextLocation();
                loader.Add(key, location);
                _model.Add(key, location);
            }

            loader.Finish();
            CheckAll();
        }

        private void Put()
        {
            byte[] key = AnyKey();
            LogLocation location = NextLocation();
            Assert.True(_index.TryPut(key, location, out LogLocation previous));
            Assert.Equal(_model.GetValueOrDefault(key), previous);
            _model[key] = location;
        }

        private void Remove()
        {
            byte[] key = _model.Count > 0 && _random.Next(4) > 0 ? NearKey() : AnyKey();
            bool isThere = _model.Remove(key, out LogLocation expected);
            Assert.Equal(isThere, _index.Remove(key, out LogLocation removed));
            Assert.Equal(expected, removed);
        }

        /// <summary>A key that is there: the least, to be quick; else any.</summary>
        private byte[] NearKey() => _random.Next(3) == 0 ? _model.First().Key : AnyKey();

        private void Replace()
        {
            byte[] key = AnyKey();
            LogLocation current = _model.GetValueOrDefault(key), location = NextLocation();
            bool isRight = _random.Next(2) == 0;
            bool replaced = _index.Replace(key, isRight ? current with { Units = 7, Flags = LogEntryFlags.None } : current with { Offset = current.Offset + 1 }, location);
            Assert.Equal(isRight && current.IsKnown, replaced);
            if (replaced) _model[key] = location with { Flags = (location.Flags & ~LogEntryFlags.Visited) | (current.Flags & LogEntryFlags.Visited) };
        }

        private void Get()
        {
            byte[] key = _random.Next(3) == 0 ? KeyShapes.Make(_random, 1)[0] : AnyKey();
            if (_random.Next(2) == 0 && _model.TryGetValue(key, out LogLocation found))
            {
                _index.Visit(key);
                _model[key] = found with { Flags = found.Flags | LogEntryFlags.Visited };
            }

            bool isThere = _model.TryGetValue(key, out LogLocation expected);
            Assert.Equal(isThere, _index.TryGet(key, out LogLocation location));
            Assert.Equal(expected, location);
        }

        private void Scan()
        {
            byte[] from = _random.Next(4) == 0 ? [] : AnyKey(), to = _random.Next(4) == 0 ? [] : AnyKey();
            int limit = _random.Next(10) == 0 ? 1_000 : _random.Next(1, 200);
            CheckScan(from, to, limit, _random.Next(2) == 0);
            Assert.Equal(_model.Keys.LongCount(k => IsWithin(k, from, to)), _index.CountRange(from, to));
        }

        private static bool IsWithin(byte[] key, byte[] from, byte[] to) => key.AsSpan().SequenceCompareTo(from) >= 0 && (to.Length == 0 || key.AsSpan().SequenceCompareTo(to) < 0);

        private void CheckScan(byte[] from, byte[] to, int limit, bool isDown)
        {
            IEnumerable<KeyValuePair<byte[], LogLocation>> within = _model.Where(e => IsWithin(e.Key, from, to));
            KeyValuePair<byte[], LogLocation>[] expected = [.. (isDown ? within.Reverse() : within).Take(limit)];
            Assert.Equal(expected.Length, _index.Scan(new LogScan(from, to, limit, isDown), _buffer));
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.True(_buffer.Key(i).SequenceEqual(expected[i].Key), $"the scan gave another key at {i}");
                Assert.Equal(expected[i].Value, _buffer.Location(i));
            }
        }

        private void CheckAll()
        {
            Assert.Equal(_model.Count, _index.Count);
            Assert.Equal(_model.Count, _index.CountRange([], []));
            CheckScan([], [], int.MaxValue, isDown: false);
            CheckScan([], [], int.MaxValue, isDown: true);
            foreach ((byte[] key, LogLocation expected) in _model)
            {
                Assert.True(_index.TryGet(key, out LogLocation location), $"the key {Convert.ToHexString(key)} is lost");
                Assert.Equal(expected, location);
            }
        }

        private void Empty()
        {
            foreach (byte[] key in _model.Keys.ToArray().OrderBy(_ => _random.Next()))
            {
                Assert.True(_index.Remove(key, out _));
                _model.Remove(key);
            }

            CheckAll();
            Assert.Equal(LogIndexNode.Bytes, _index.Bytes);
        }
    }
}
