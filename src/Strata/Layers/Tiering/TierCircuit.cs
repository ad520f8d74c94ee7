namespace Strata;

/// <summary>
/// Passes by a tier that fails again and again: for 1 s, then one read tries it; each time that fails the pause doubles, up to 30 s.
/// The first thing that succeeds ends it.
/// </summary>
internal sealed class TierCircuit(TimeProvider clock)
{
    private const int MostFailures = 5;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private readonly Lock _gate = new();
    private int _failures;
    private bool _isOpen;
    private bool _isTrying;
    private long _pausedAt;
    private TimeSpan _pause;
    private string? _why;

    /// <summary>What a person is told; null while all is well.</summary>
    public string? Fault
    {
        get
        {
            lock (_gate) return _isOpen ? $"Passed by, as it failed again and again: {_why}" : null;
        }
    }

    /// <summary>Whether the tier may be asked. While it is passed by, one caller at the end of each pause.</summary>
    public bool Admits()
    {
        if (!Volatile.Read(ref _isOpen)) return true;
        lock (_gate)
        {
            if (!_isOpen) return true;
            if (clock.GetElapsedTime(_pausedAt) < _pause) return false;

            // If this one never ends, another tries it after one more pause.
            (_isTrying, _pausedAt) = (true, clock.GetTimestamp());
            return true;
        }
    }

    public void Succeeded()
    {
        if (Volatile.Read(ref _failures) == 0) return;
        lock (_gate)
        {
            (_failures, _isTrying) = (0, false);
            Volatile.Write(ref _isOpen, false);
        }
    }

    public void Failed(Exception e)
    {
        lock (_gate)
        {
            _why = e.Message;
            if (!_isOpen)
            {
                if (++_failures < MostFailures) return;
                _pause = FirstPause;
            }
            else if (_isTrying)
            {
                _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
            }
            else
            {
                // It began before the tier was passed by.
                return;
            }

            (_isTrying, _pausedAt) = (false, clock.GetTimestamp());
            Volatile.Write(ref _isOpen, true);
        }
    }
}
