namespace Strata.HitRatios;

/// <summary>
/// W-TinyLFU (Einziger et al., 2017), its window adapted by hill climbing (2018): a window by recency, a main part in two
/// segments, and whoever leaves the window must be asked for more often than whom it would push out.
/// </summary>
internal sealed class WTinyLfu : Policy
{
    private const byte MostUses = 15;
    private readonly KeyLinks _links;
    private readonly KeyList _window;
    private readonly KeyList _probation;
    private readonly KeyList _protected;

    /// <summary>What a sketch would estimate, exact.</summary>
    private readonly byte[] _uses;
    private readonly int _agePeriod;
    private long _windowBudget;
    private int _sinceAging;
    private int _sampled;
    private int _sampledHits;
    private double _lastRatio;
    private double _step;

    public WTinyLfu(Trace trace)
        : base(trace)
    {
        _links = new KeyLinks(Sizes);
        (_window, _probation, _protected) = (new(_links), new(_links), new(_links));
        _uses = new byte[Keys];
        _agePeriod = (int)Math.Min(10 * Budget / (Sizes.Sum(s => (double)s) / Keys), int.MaxValue);
        _windowBudget = Budget / 100;
        _step = -0.0625 * Budget;
    }

    public override string Name => "W-TinyLFU";

    public override bool Request(int key)
    {
        CountUse(key);
        KeyList? list = _links.In[key];
        if (list is not null) Hit(key, list);
        else
        {
            _window.Add(key);
            Shrink();
        }

        Climb(list is not null);
        return list is not null;
    }

    private void Hit(int key, KeyList list)
    {
        list.Remove(key);
        (list == _window ? _window : _protected).Add(key);
        while (_protected.Bytes > (Budget - _windowBudget) * 8 / 10) _probation.Add(_protected.RemoveOldest());
    }

    /// <summary>What leaves the window challenges the oldest on probation until all fit.</summary>
    private void Shrink()
    {
        while (_window.Bytes > _windowBudget && _window.Count > 0)
        {
            int candidate = _window.RemoveOldest();
            _probation.Add(candidate);
            while (_window.Bytes + _probation.Bytes + _protected.Bytes > Budget)
            {
                int victim = _probation.Oldest != candidate ? _probation.Oldest : _protected.Oldest;
                bool isAdmitted = victim != KeyList.None && _uses[candidate] > _uses[victim];
                int loser = isAdmitted ? victim : candidate;
                _links.In[loser]!.Remove(loser);
                if (loser == candidate) break;
            }
        }
    }

    private void CountUse(int key)
    {
        if (_uses[key] < MostUses) _uses[key]++;
        if (++_sinceAging < _agePeriod) return;
        _sinceAging = 0;
        for (int i = 0; i < _uses.Length; i++) _uses[i] >>= 1;
    }

    private void Climb(bool isHit)
    {
        if (isHit) _sampledHits++;
        if (++_sampled < _agePeriod) return;
        double ratio = (double)_sampledHits / _sampled, change = ratio - _lastRatio;
        double amount = change >= 0 ? _step : -_step;
        _step = Math.Abs(change) >= 0.05 ? 0.0625 * Budget * Math.Sign(amount) : 0.98 * amount;
        _windowBudget = (long)Math.Clamp(_windowBudget + amount, Budget / 100.0, Budget * 0.8);
        (_lastRatio, _sampled, _sampledHits) = (ratio, 0, 0);
        while (_protected.Bytes > (Budget - _windowBudget) * 8 / 10) _probation.Add(_protected.RemoveOldest());
        Shrink();
    }
}
