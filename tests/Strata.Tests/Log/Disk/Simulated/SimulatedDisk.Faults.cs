namespace Strata.Tests;

/// <content>What goes wrong, and when.</content>
internal sealed partial class SimulatedDisk
{
    private const int TracedCalls = 2_000;
    private static readonly int Operations = Enum.GetValues<DiskOperation>().Length;
    private readonly Queue<string> _trace = new();
    private readonly int[] _counts = new int[Operations];
    private readonly Dictionary<int, DiskFault> _faultsOfChanges = [];
    private readonly Dictionary<(DiskOperation Operation, int Count), DiskFault> _faultsOfOperations = [];
    private readonly List<HeldCall> _held = [];
    private int _calls;
    private int _changes;
    private bool _isStopped;

    /// <summary>Says for each call what goes wrong with it; asked on the caller's thread, without a lock.</summary>
    public Func<DiskCall, DiskFault>? Faults { get; set; }

    /// <summary>Runs before each call, without a lock: a test may look around there, or hold the call up.</summary>
    public Action<DiskCall>? Before { get; set; }

    /// <summary>All calls so far.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Those of them that change what is written or durable: <see cref="DiskOperation"/> up to Truncate.</summary>
    public int Changes => Volatile.Read(ref _changes);

    /// <summary>True after a <see cref="DiskFault.Stop"/> or <see cref="Stop"/>.</summary>
    public bool IsStopped
    {
        get
        {
            lock (_gate) return _isStopped;
        }
    }

    /// <summary>The last 2,000 calls, one a line, for the message of a failed test.</summary>
    public string Trace
    {
        get
        {
            lock (_gate) return string.Join('\n', _trace);
        }
    }

    /// <summary>Calls of one operation so far.</summary>
    public int CountOf(DiskOperation operation)
    {
        lock (_gate) return _counts[(int)operation];
    }

    /// <summary>The n-th change from now on fails.</summary>
    public void FailAt(int change, DiskFault fault)
    {
        lock (_gate) _faultsOfChanges[_changes + change] = fault;
    }

    /// <summary>The n-th call of one operation from now on fails.</summary>
    public void FailAt(DiskOperation operation, int count, DiskFault fault)
    {
        lock (_gate) _faultsOfOperations[(operation, _counts[(int)operation] + count)] = fault;
    }

    /// <summary>The process ends at the n-th change from now on: it and all calls after it throw <see cref="SimulatedCrashException"/>.</summary>
    public void StopAt(int change) => FailAt(change, DiskFault.Stop);

    /// <summary>The process ends now; calls that wait go on, and throw.</summary>
    public void Stop()
    {
        lock (_gate) StopHere();
    }

    /// <summary>Holds up the next call of an operation, on a file or folder whose name begins so.</summary>
    public HeldCall Hold(DiskOperation operation, string name = "") =>
        Hold(call => call.Operation == operation && call.Name.StartsWith(name, StringComparison.Ordinal));

    /// <summary>Holds up the next call of which this is true.</summary>
    public HeldCall Hold(Func<DiskCall, bool> which)
    {
        var held = new HeldCall(which);
        lock (_gate) _held.Add(held);
        return held;
    }

    private DiskCallPermit Begin(DiskOperation operation, string name, long offset = 0, long length = 0, string? to = null)
    {
        DiskCall call;
        HeldCall? held;
        long order;
        lock (_gate)
        {
            if (_isStopped) throw new SimulatedCrashException();
            bool isChange = operation <= DiskOperation.Truncate;
            if (isChange) _changes++;
            call = new DiskCall(++_calls, operation, name, offset, length, isChange ? _changes : 0, ++_counts[(int)operation], to);
            Note(call.ToString());
            order = _order;
            held = _held.Find(h => h.Takes(call));
        }

        Before?.Invoke(call);
        if (held is not null) WaitFor(held);
        DiskFault asked = Faults?.Invoke(call) ?? DiskFault.None;
        var permit = new DiskCallPermit(call, Decide(call, asked), order);
        permit.Start();
        return permit;
    }

    private DiskFault Decide(DiskCall call, DiskFault asked)
    {
        lock (_gate)
        {
            if (_isStopped) throw new SimulatedCrashException();
            if (call.Change > 0 && _faultsOfChanges.Remove(call.Change, out DiskFault planned)) asked = planned;
            if (_faultsOfOperations.Remove((call.Operation, call.Count), out planned)) asked = planned;

            // Hints and the like never fail.
            if (call.Operation is DiskOperation.StartWriteBack or DiskOperation.DropCache && asked != DiskFault.Stop) return DiskFault.None;
            if (asked == DiskFault.Stop) StopHere();
            if (asked != DiskFault.None) Note($"{call.Number} ... {asked}");
            return asked;
        }
    }

    private void StopHere()
    {
        _isStopped = true;
        foreach (HeldCall held in _held) held.Release();
    }

    private void WaitFor(HeldCall held)
    {
        held.Wait();
        lock (_gate) _held.Remove(held);
    }

    private void Note(string line)
    {
        if (_trace.Count == TracedCalls) _trace.Dequeue();
        _trace.Enqueue(line);
    }
}
