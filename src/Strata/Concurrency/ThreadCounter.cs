namespace Strata;

/// <summary>
/// A counter for the hottest paths: each thread raises a number of its own, without an interlocked operation and without a
/// cache line in common. Reading it adds up the threads. Exact: what threads have counted stays when they end.
/// </summary>
internal sealed class ThreadCounter
{
    /// <summary>Numbers in front of and behind those in use, so that two threads' arrays, wherever they lie, share no line.</summary>
    private const int Padding = 8;

    private static readonly Lock Gate = new();
    private static readonly HashSet<Numbers> Threads = [];
    private static readonly Stack<int> Free = new();
    private static long[] _ended = [];
    private static int _counters;

    [ThreadStatic]
    private static long[]? _mine;

    [ThreadStatic]
    private static Owner? _owner;

    private readonly int _index;

    public ThreadCounter()
    {
        lock (Gate)
        {
            if (!Free.TryPop(out _index)) _index = Padding + _counters++;
            if (_ended.Length <= _index) Array.Resize(ref _ended, 2 * (_index + Padding));
        }
    }

    /// <summary>The sum; exact once those who count are quiet.</summary>
    public long Value
    {
        get
        {
            lock (Gate)
            {
                long sum = _ended[_index];
                foreach (Numbers thread in Threads) sum += thread.At(_index);
                return sum;
            }
        }
    }

    public void Increment()
    {
        long[]? mine = _mine;
        int index = _index;
        if (mine is null || (uint)index >= (uint)mine.Length) mine = Enter(index);
        mine[index]++;

        // Until here the number is this counter's.
        GC.KeepAlive(this);
    }

    /// <summary>Makes room for a counter among the numbers of this thread.</summary>
    private static long[] Enter(int index)
    {
        lock (Gate)
        {
            _owner ??= new Owner();
            Threads.Add(_owner.Numbers);
            return _mine = _owner.Numbers.Extend(2 * (index + Padding));
        }
    }

#pragma warning disable MA0055 // a counter is a number in other threads' arrays: only its own end says that the number is free
    ~ThreadCounter()
#pragma warning restore MA0055
    {
        lock (Gate)
        {
            foreach (Numbers thread in Threads) thread.Clear(_index);
            _ended[_index] = 0;
            Free.Push(_index);
        }
    }

    /// <summary>What one thread has counted, by counter. Changed by that thread alone.</summary>
    private sealed class Numbers
    {
        private long[] _values = [];

        public long At(int index) => index < _values.Length ? Volatile.Read(ref _values[index]) : 0;

        public void Clear(int index)
        {
            if (index < _values.Length) _values[index] = 0;
        }

        public long[] Extend(int length)
        {
            Array.Resize(ref _values, length);
            return _values;
        }
    }

    /// <summary>Ends with its thread.</summary>
    private sealed class Owner
    {
        public Numbers Numbers { get; } = new();

#pragma warning disable MA0055 // nothing else is told that a thread has ended
        ~Owner()
#pragma warning restore MA0055
        {
            lock (Gate)
            {
                if (!Threads.Remove(Numbers)) return;
                for (int i = 0; i < _ended.Length; i++) _ended[i] += Numbers.At(i);
            }
        }
    }
}
