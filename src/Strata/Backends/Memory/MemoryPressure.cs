namespace Strata;

/// <summary>
/// The share of its capacity that a store uses while the process is short of memory: looked at after each full collection,
/// three quarters of what it was while the load is high, an eighth more once it is low again.
/// </summary>
internal sealed class MemoryPressure : IDisposable
{
    private const double LeastShare = 0.125;
    private const double Less = 0.75;
    private const double More = 0.125;
    private const double HighLoad = 1;
    private const double LowLoad = 0.85;
    private readonly Action _changed;
    private readonly Func<double> _load;

    /// <summary>Held here, so that it is not finalized along with the sentinel, which would find it empty.</summary>
    private readonly WeakReference<MemoryPressure> _self;
    private double _share = 1;
    private volatile bool _disposed;

    /// <param name="changed">Runs on a thread of the pool after the share has changed.</param>
    /// <param name="load">The memory in use as a multiple of what the collector takes for high; null for the collector's own figures.</param>
    public MemoryPressure(Action changed, Func<double>? load = null)
    {
        _changed = changed;
        _load = load ?? LoadOfProcess;
        _self = new WeakReference<MemoryPressure>(this);
        _ = new Sentinel(_self);
    }

    /// <summary>0.125 to 1.</summary>
    public double Share => Volatile.Read(ref _share);

    public void Dispose() => _disposed = true;

    /// <summary>Looks at the load now.</summary>
    internal void Observe()
    {
        double load = _load(), share = _share;
        if (load >= HighLoad) share = Math.Max(LeastShare, share * Less);
        else if (load < LowLoad) share = Math.Min(1, share + More);
        if (share == _share || _disposed) return;
        Volatile.Write(ref _share, share);
        _changed();
    }

    private static double LoadOfProcess()
    {
        GCMemoryInfo info = GC.GetGCMemoryInfo(GCKind.Any);
        return info.HighMemoryLoadThresholdBytes == 0 ? 0 : (double)info.MemoryLoadBytes / info.HighMemoryLoadThresholdBytes;
    }

    /// <summary>An object that nobody holds: old once it has survived, so that its finalizer, which revives it, runs after each full collection.</summary>
    private sealed class Sentinel(WeakReference<MemoryPressure> watched)
    {
#pragma warning disable MA0055 // nothing else is told of every full collection
        ~Sentinel()
#pragma warning restore MA0055
        {
            if (!watched.TryGetTarget(out MemoryPressure? pressure) || pressure._disposed) return;
            ThreadPool.UnsafeQueueUserWorkItem(static p => p.Observe(), pressure, preferLocal: false);
            GC.ReRegisterForFinalize(this);
        }
    }
}
