namespace Strata.Server;

/// <summary>
/// Whether something is wrong with a store at this moment. The answer is for everybody, and so tells no more than that; it is
/// found out once a second at most, however often it is asked.
/// </summary>
internal sealed class ServerHealth(IReadOnlyDictionary<string, IBlobStore> stores, TimeProvider clock)
{
    private static readonly TimeSpan Holds = TimeSpan.FromSeconds(1);
    private static readonly HealthWire Ok = new("ok"), Degraded = new("degraded");

    private readonly Lock _gate = new();
    private HealthWire? _last;
    private long _time;

    /// <summary><c>ok</c>, or <c>degraded</c> while a tier of a store has a fault. The server answers all the same.</summary>
    public HealthWire Look()
    {
        lock (_gate)
        {
            if (_last is not null && clock.GetElapsedTime(_time) < Holds) return _last;
            _time = clock.GetTimestamp();
            return _last = StoreWire.From(stores).Any(s => s.Tiers.Any(t => t.Fault is not null)) ? Degraded : Ok;
        }
    }
}
