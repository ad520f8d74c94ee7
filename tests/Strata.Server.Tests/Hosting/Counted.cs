using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Strata.Server.Tests;

/// <summary>A meter of a test's own, and the sums of its counters by name and first tag.</summary>
internal sealed class Counted : IDisposable
{
    private readonly Meter _meter = new("Strata");
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _sums = new();

    public Counted()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _meter) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            string name = tags.Length > 0 ? $"{instrument.Name}/{tags[0].Value}" : instrument.Name;
            _sums.AddOrUpdate(name, value, (_, sum) => sum + value);
        });
        _listener.Start();
    }

    public StoreContext Context => StoreContext.Default with { Meter = _meter };

    public long this[string name] => _sums.GetValueOrDefault(name);

    public void Dispose()
    {
        _listener.Dispose();
        _meter.Dispose();
    }
}
