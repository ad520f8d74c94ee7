using Strata.Testing;
using Xunit;

namespace Strata.Tests;

public sealed class FakeClockTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public void It_stands_still_until_it_is_moved()
    {
        DateTimeOffset start = _clock.GetUtcNow();
        long stamp = _clock.GetTimestamp();
        Assert.Equal(start, _clock.GetUtcNow());
        _clock.Advance(TimeSpan.FromMilliseconds(1500));
        Assert.Equal(start + TimeSpan.FromMilliseconds(1500), _clock.GetUtcNow());
        Assert.Equal(TimeSpan.FromMilliseconds(1500), _clock.GetElapsedTime(stamp));
    }

    [Fact]
    public void A_jump_moves_the_wall_clock_alone()
    {
        DateTimeOffset start = _clock.GetUtcNow();
        long stamp = _clock.GetTimestamp();
        int fired = 0;
        using ITimer timer = _clock.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        _clock.Jump(TimeSpan.FromHours(-24));
        _clock.Jump(TimeSpan.FromHours(48));
        Assert.Equal(start + TimeSpan.FromHours(24), _clock.GetUtcNow());
        Assert.Equal(stamp, _clock.GetTimestamp());
        Assert.Equal(0, fired);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, fired);
    }

    [Fact]
    public void Timers_fire_in_order_each_at_its_moment()
    {
        DateTimeOffset start = _clock.GetUtcNow();
        List<string> fired = [];
        void Note(object? name) => fired.Add($"{name}@{(_clock.GetUtcNow() - start).TotalSeconds}");
        using ITimer late = _clock.CreateTimer(Note, "late", TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
        using ITimer every = _clock.CreateTimer(Note, "every", TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));
        using ITimer early = _clock.CreateTimer(Note, "early", TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        using ITimer stopped = _clock.CreateTimer(Note, "stopped", TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        stopped.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(["early@1", "every@2", "every@4", "late@5", "every@6"], fired);
        every.Dispose();
        Assert.False(every.Change(TimeSpan.Zero, TimeSpan.Zero));
        Assert.Equal(0, _clock.ArmedTimers);
    }

    [Fact]
    public void A_timer_set_by_a_timer_fires_within_the_same_advance()
    {
        List<DateTimeOffset> fired = [];
        ITimer? second = null;
        using ITimer first = _clock.CreateTimer(
            _ => second = _clock.CreateTimer(_ => fired.Add(_clock.GetUtcNow()), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan),
            null,
            TimeSpan.FromSeconds(1),
            Timeout.InfiniteTimeSpan);
        DateTimeOffset start = _clock.GetUtcNow();
        _clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal([start + TimeSpan.FromSeconds(2)], fired);
        second!.Dispose();
    }

    [Fact]
    public async Task Delays_end_when_the_clock_is_advanced()
    {
        Task delay = Task.Delay(TimeSpan.FromMinutes(10), _clock);
        await _clock.WaitForTimersAsync(1);
        _clock.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromTicks(1));
        Assert.False(delay.IsCompleted);
        _clock.Advance(TimeSpan.FromTicks(1));
        await delay;
    }

    [Fact]
    public async Task A_test_can_wait_for_a_timer_that_is_yet_to_be_set()
    {
        Task waiting = _clock.WaitForTimersAsync(1);
        Assert.False(waiting.IsCompleted);
        Task delay = Task.Delay(TimeSpan.FromSeconds(1), _clock);
        await waiting;
        _clock.Advance(TimeSpan.FromSeconds(1));
        await delay;
    }

    [Fact]
    public async Task A_test_can_wait_for_a_timer_by_its_time_whoever_else_uses_the_clock()
    {
        using ITimer other = _clock.CreateTimer(_ => { }, null, TimeSpan.FromSeconds(2), Timeout.InfiniteTimeSpan);
        Task waiting = _clock.WaitForTimerAsync(TimeSpan.FromSeconds(1));
        Assert.False(waiting.IsCompleted);
        using ITimer awaited = _clock.CreateTimer(_ => { }, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        await waiting;
        await _clock.WaitForTimerAsync(TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void Time_does_not_advance_backwards() => Assert.Throws<ArgumentOutOfRangeException>(() => _clock.Advance(TimeSpan.FromTicks(-1)));
}
