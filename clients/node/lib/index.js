export { AuthFort } from './authfort.js';
export { AuthError } from './errors.js';
