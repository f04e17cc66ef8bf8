/**
 * The Gregorian calendar, for the clock chip: a device may not ask the host's `Date`.
 *
 * @module
 */

/** A date and time of day. */
export interface Calendar {
  /** 0 to 59. */
  second: number;
  /** 0 to 59. */
  minute: number;
  /** 0 to 23. */
  hour: number;
  /** 1 to 31. */
  day: number;
  /** 1 to 12. */
  month: number;
  /** Full year. */
  year: number;
  /** 1 is Sunday, 7 is Saturday. */
  weekday: number;
}

const DAY_SECONDS = 86400;
/** Days of 400 years. */
const ERA_DAYS = 146097;
/** Days from 1 March of the year 0 to 1 January 1970. */
const EPOCH_DAYS = 719468;

/** The date of a number of seconds since 1970 began. Years count from March here, so that the leap day comes last. */
export function toCalendar(seconds: number): Calendar {
  const days = Math.floor(seconds / DAY_SECONDS);
  const rest = seconds - days * DAY_SECONDS;
  const shifted = days + EPOCH_DAYS;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    second: rest % 60,
    minute: Math.floor(rest / 60) % 60,
    hour: Math.floor(rest / 3600),
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
    month,
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    // 1 January 1970 was a Thursday, the fifth day.
    weekday: (days % 7 + 7 + 4) % 7 + 1,
  };
}

/** Seconds since 1970 began. Values out of range carry over, as 31 February becomes a day in March. */
export function fromCalendar({ second, minute, hour, day, month, year }: Calendar): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * ERA_DAYS + dayOfEra - EPOCH_DAYS) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
}
