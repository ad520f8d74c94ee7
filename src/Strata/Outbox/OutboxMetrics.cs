using System.Diagnostics.Metrics;

namespace Strata;

/// <summary>An outbox's instruments of the meter <c>Strata</c>; the tag is <c>outbox</c>, never keys.</summary>
internal sealed class OutboxMetrics
{
    private readonly Counter<long> _sent, _failed, _unreachable, _dead;
    private readonly Histogram<double> _age;
    private readonly KeyValuePair<string, object?> _tag;

    public OutboxMetrics(Meter meter, string name, Func<long> pending)
    {
        _tag = new("outbox", name);
        _sent = meter.CreateCounter<long>("strata.outbox.sent", "{intent}", "Intents that the target has");
        _failed = meter.CreateCounter<long>("strata.outbox.failed", "{attempt}", "Attempts that failed");
        _unreachable = meter.CreateCounter<long>("strata.outbox.unreachable", "{attempt}", "Attempts that did not reach the target");
        _dead = meter.CreateCounter<long>("strata.outbox.dead", "{intent}", "Intents given up");
        _age = meter.CreateHistogram<double>("strata.outbox.age", "s", "From an intent's coming until the target has it");
        meter.CreateObservableUpDownCounter("strata.outbox.pending", () => new Measurement<long>(pending(), _tag), "{intent}", "Intents that are not sent yet, at most");
    }

    public void Sent(TimeSpan age)
    {
        _sent.Add(1, _tag);
        _age.Record(Math.Max(0, age.TotalSeconds), _tag);
    }

    public void Failed() => _failed.Add(1, _tag);

    public void Unreachable() => _unreachable.Add(1, _tag);

    public void Dead() => _dead.Add(1, _tag);
}
