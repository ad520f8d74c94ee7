using System.Diagnostics.Metrics;

namespace Strata.Benchmarks;

/// <summary>Listens to the instruments of a tiered store, as an exporter does that collects often.</summary>
internal sealed class Telemetry : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(100);
    private readonly Meter _meter = new("Strata");
    private readonly MeterListener _listener = new();
    private readonly Timer _timer;
    private long _measurements;

    public Telemetry(IBlobStore store)
    {
        TierMetrics.Register(_meter, new Dictionary<string, IBlobStore>(StringComparer.Ordinal) { ["store"] = store }, TimeProvider.System);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, _meter)) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((_, _, _, _) => Interlocked.Increment(ref _measurements));
        _listener.Start();
        _timer = new Timer(_ => _listener.RecordObservableInstruments(), null, Every, Every);
    }

    /// <summary>True once it was told anything.</summary>
    public bool HasMeasured => Interlocked.Read(ref _measurements) > 0;

    public void Dispose()
    {
        using (var stopped = new ManualResetEvent(initialState: false))
        {
            if (_timer.Dispose(stopped)) stopped.WaitOne();
        }

        _listener.Dispose();
        _meter.Dispose();
    }
}
